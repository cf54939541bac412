#!/bin/sh
# Measures: `make bench`.  tools/bench.py does the work and explains itself with -h.
exec python3 "$(dirname "$0")/bench.py" "$@"
