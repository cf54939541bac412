#!/bin/sh
# Puts the configuration in its place, unless there is one.  Without the right to write there, the
# example beside the documents has to do.
set -eu

target=${DESTDIR:-}/etc/teiten/teiten.yaml
if [ -e "$target" ]; then
	echo "$target is there and stays"
elif mkdir -p "${target%/*}" 2>/dev/null && cp "$1" "$target" 2>/dev/null; then
	chmod 644 "$target"
else
	echo "$target cannot be written; the example is in share/doc/teiten/examples" >&2
fi
