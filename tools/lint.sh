#!/usr/bin/env bash
# Static analysis: clang-tidy (.clang-tidy), cppcheck, shellcheck and Python's own compiler.
# Quiet and 0 when nothing is found.  `make lint` brings the tools first.
#
#   tools/lint.sh [tidy] [cppcheck] [shell] [python]     only those; default: all
# shellcheck disable=SC2317 # the functions are called by their computed names
set -uo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
build=$root/build-clang
failed=0
cd "$root" || exit 1

lint_tidy()
{
	local log=$build/tidy.log
	if [ ! -f "$build/build.ninja" ]; then
		CC=clang meson setup "$build" >/dev/null || return 1
	fi
	ninja -C "$build" >"$build/ninja.log" || { cat "$build/ninja.log"; return 1; }
	# Its counts of suppressed warnings go to stderr; findings to stdout.
	run-clang-tidy -quiet -p "$build" -extra-arg=-include -extra-arg="$root/tools/lint.h" \
		"^$root/src/(?!base/status).*\.c$" >"$log" 2>/dev/null
	local status=$?
	sed -e 's/\x1b\[[0-9;]*m//g' -e '/^clang-tidy/d' -e '/^$/d' "$log"
	return "$status"
}

lint_cppcheck()
{
	cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 --platform=unix64 \
		--enable=warning,portability --suppressions-list=tools/cppcheck.txt \
		-j "$(nproc)" -D_GNU_SOURCE -DTEITEN_VERSION='"0"' -Isrc src
}

lint_shell()
{
	local -a scripts=()
	mapfile -t scripts < <(find tools tests .ci -name '*.sh' -o -path .ci/run)
	shellcheck "${scripts[@]}"
}

lint_python()
{
	local -a scripts=()
	mapfile -t scripts < <(find tools tests -name '*.py')
	python3 -W error -c 'import ast, sys
for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as f:
        ast.parse(f.read(), path)' "${scripts[@]}"
}

[ $# -gt 0 ] || set -- tidy cppcheck shell python
for part in "$@"; do
	case $part in
	tidy | cppcheck | shell | python) ;;
	*) echo "lint: there is no part '$part'" >&2; exit 2 ;;
	esac
	"lint_$part" || { echo "lint: $part found the above" >&2; failed=1; }
done
exit "$failed"
