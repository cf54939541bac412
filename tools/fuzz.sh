#!/usr/bin/env bash
# Fuzzes every target for some seconds each (default 60), as many at once as there are processors:
#
#   tools/fuzz.sh [SECONDS [TARGET…]]
#
# clang's libFuzzer with AddressSanitizer and UBSan.  Seeds are tests/fuzz/corpus/TARGET/, what is
# found grows in build-fuzz/corpus/TARGET/.  A crash, leak, endless loop or too much memory fails
# and leaves its input in build-fuzz/found/; put it into the seeds together with the fix.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
seconds=${1:-60}
shift || true
build=$root/build-fuzz
one_input_seconds_max=10
memory_mb_max=2048
export root build seconds one_input_seconds_max memory_mb_max
export ASAN_OPTIONS=detect_stack_use_after_return=1
export UBSAN_OPTIONS=print_stacktrace=1

case $seconds in
'' | *[!0-9]*) echo "fuzz: '$seconds' is not a number of seconds" >&2; exit 2 ;;
esac
cd "$root"
if [ ! -f "$build/build.ninja" ]; then
	CC=clang meson setup -Dfuzzing=true -Dbuildtype=debugoptimized \
		-Db_sanitize=address,undefined -Db_lundef=false "$build" >/dev/null
fi
ninja -C "$build" >"$build/ninja.log" || { cat "$build/ninja.log"; exit 1; }

if [ $# = 0 ]; then
	while read -r program; do set -- "$@" "${program##*/fuzz-}"; done \
		< <(find "$build/tests" -name 'fuzz-*' -type f -executable | sort)
fi
[ $# -gt 0 ] || { echo 'fuzz: there is no target in tests/fuzz/' >&2; exit 1; }

fuzz_one()
{
	local name=$1 seeds=$root/tests/fuzz/corpus/$1 log=$build/found/$1.log
	local -a more=()
	local program dict=$build/corpus/$1.dict
	program=$(find "$build/tests" -name "fuzz-$name" -type f -executable | head -n 1)
	[ -n "$program" ] || { echo "fuzz: there is no target $name" >&2; return 1; }
	mkdir -p "$build/corpus/$name" "$seeds"
	# A protocol's words come from its transcripts.
	if [ -f "$seeds.dict" ]; then
		more+=("-dict=$seeds.dict")
	elif [ "${name#protocol-}" != "$name" ]; then
		python3 "$root/tools/fuzz-dict.py" "${name#protocol-}" >"$dict"
		more+=("-dict=$dict")
	fi
	if "$program" -max_total_time="$seconds" -timeout="$one_input_seconds_max" \
		-rss_limit_mb="$memory_mb_max" -artifact_prefix="$build/found/$name-" \
		-print_final_stats=1 "${more[@]}" "$build/corpus/$name" "$seeds" >"$log" 2>&1; then
		printf 'fuzz: %-20s ok, %s inputs\n' "$name" \
			"$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")"
	else
		printf 'fuzz: %-20s FAILED; the end of %s:\n' "$name" "$log"
		tail -n 40 "$log"
		return 1
	fi
}
export -f fuzz_one

mkdir -p "$build/found"
# shellcheck disable=SC2016 # the inner shell expands it
printf '%s\0' "$@" | xargs -0 -n 1 -P "$(nproc)" bash -c 'fuzz_one "$1"' fuzz ||
	{ echo 'fuzz: at least one target failed' >&2; exit 1; }
