#!/bin/sh
# Builds the Debian packages of this checkout into build-deb/: `make deb`.
#
# What git tracks, as it is in the folder now, and what `make deps` brought are copied aside and built
# there by debian/rules; the network is not needed.
set -eu

cd "$(dirname "$0")/.."
work=build-deb
version=$(sed -n "s/^  version: '\(.*\)',$/\1/p" meson.build)
source=$work/teiten-$version

[ -f deps/duckdb/libduckdb.so ] || { echo 'deb: run "make deps" first' >&2; exit 1; }
[ "$(sed -n '1s/.*(\(.*\)).*/\1/p' debian/changelog)" = "$version" ] || {
	echo "deb: debian/changelog is not about $version, the version of meson.build" >&2
	exit 1
}
rm -rf "$work"
mkdir -p "$source/deps"
if [ -e .git ]; then git ls-files -z --cached --others --exclude-standard; else
	find . -type f -not -path './build*' -not -path './deps/*' -print0
fi | tar -c --null --ignore-failed-read -T - 2>/dev/null | tar -x -C "$source"
cp -r deps/duckdb deps/geo "$source/deps"

(cd "$source" && DEB_BUILD_OPTIONS="noautodbgsym ${DEB_BUILD_OPTIONS-}" \
    dpkg-buildpackage -b -us -uc) >"$work/build.log" 2>&1 || {
	tail -n 40 "$work/build.log" >&2
	echo "deb: it did not build; everything it said is in $work/build.log" >&2
	exit 1
}
rm -rf "$source"
ls -l "$work"/*.deb
echo 'Install: apt install ./build-deb/teiten_*.deb ./build-deb/teiten-sensor_*.deb'
