#!/usr/bin/env bash
# Brings everything Teiten is built from: Debian packages by name, and from npm the packages pinned
# in tools/deps.lock, into deps/.  Only what is missing: a repeat looks and does nothing.
#
#   tools/deps.sh          what building, testing, fuzzing and the demo need
#   tools/deps.sh lint     what `make lint` needs besides
#   tools/deps.sh deb      what `make deb` needs besides
#   tools/deps.sh live     clients that visit the sensor in tests/live
#   tools/deps.sh --list   prints the Debian packages and installs nothing
#
# It never leaves half a file: a tarball is checked against its pinned SHA-512 before it gets its
# name, and every file taken out of it is renamed into place.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
deps=$root/deps
lock=$root/tools/deps.lock
tries=3
apt_lock_seconds=300

# "a|b": one of them, the first that this release has.  Debian 12 and 13.
build_packages=(
	gcc libc6-dev make meson ninja-build 'pkgconf|pkg-config' python3
	clang 'libclang-rt-dev|libclang-rt-19-dev|libclang-rt-14-dev'
	libpcap-dev zlib1g-dev libzstd-dev liblzma-dev liblz4-dev libsqlite3-dev libjansson-dev
	libicu-dev libmaxminddb-dev libyaml-dev libcmocka-dev libseccomp-dev libssl-dev libssh-dev
	'libvectorscan-dev|libhyperscan-dev' libpcre2-dev
	scdoc tcpdump zstd xz-utils lz4 libxml2-utils
)
lint_packages=(clang-tidy clang-format cppcheck shellcheck)
deb_packages=(build-essential debhelper)
# Visitors of the live sensor; a test leaves out those that are missing.
live_packages=(
	iproute2 nftables tcpreplay strace openssh-client telnet curl ftp ldap-utils smbclient
	mariadb-client postgresql-client redis-tools mosquitto-clients snmp sipsak swaks hydra nmap
	'freerdp2-x11|freerdp3-x11' gvncviewer xvfb xauth bind9-dnsutils
)

say() { printf 'deps: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

is_installed()
{
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

has_candidate()
{
	apt-cache policy "$1" 2>/dev/null | grep -q 'Candidate: [^(]'
}

# Prints the name to install for "a|b", or nothing when one of them is there.
missing_of()
{
	local name names
	IFS='|' read -ra names <<<"$1"
	for name in "${names[@]}"; do
		if is_installed "$name"; then return; fi
	done
	for name in "${names[@]}"; do
		if has_candidate "$name"; then echo "$name"; return; fi
	done
	echo "${names[0]}"
}

as_root()
{
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "needs root to install packages: run as root or install sudo; missing:" \
			"${missing[*]}"
	fi
}

apt_get()
{
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
		-o "DPkg::Lock::Timeout=$apt_lock_seconds" -o Acquire::Retries="$tries" "$@" >&2
}

collect_missing()
{
	local entry name
	missing=()
	for entry in "$@"; do
		name=$(missing_of "$entry")
		[ -z "$name" ] || missing+=("$name")
	done
}

install_debian()
{
	command -v dpkg-query >/dev/null ||
		die "this is not Debian; install the equivalents of: $*"
	collect_missing "$@"
	[ ${#missing[@]} = 0 ] && return
	say "installing ${missing[*]}"
	# One try with the lists that are there would be quicker and fails on stale ones.
	apt_get update || say "apt-get update failed; trying with the package lists that are there"
	collect_missing "$@" # names are chosen by what the fresh lists offer
	apt_get install --no-install-recommends "${missing[@]}" ||
		die "apt-get could not install the packages above; offline? Run 'make deps' again" \
			"when the package archive can be reached"
	collect_missing "$@"
	[ ${#missing[@]} = 0 ] || die "still missing after the installation: ${missing[*]}"
}

# Compares a file with npm's integrity string.
integrity_holds()
{
	local want have
	want=$(printf '%s' "${2#sha512-}" | base64 -d | od -An -v -tx1 | tr -d ' \n')
	have=$(sha512sum "$1")
	[ "${have%% *}" = "$want" ]
}

# fetch NAME VERSION INTEGRITY: prints the path of the verified tarball.
fetch()
{
	local file part attempt
	file=$deps/cache/$(printf '%s-%s.tgz' "$1" "$2" | tr -d @ | tr / -)
	if [ -f "$file" ] && integrity_holds "$file" "$3"; then
		echo "$file"
		return
	fi
	for ((attempt = 1; attempt <= tries; attempt++)); do
		part=$work/$attempt
		mkdir "$part"
		say "fetching $1@$2 from npm"
		if ! (cd "$part" && npm pack --loglevel=error "$1@$2" >/dev/null); then
			say "npm could not fetch $1@$2 (try $attempt of $tries)"
			sleep $((attempt * 2))
			continue
		fi
		mv "$part"/*.tgz "$part/tarball"
		if integrity_holds "$part/tarball" "$3"; then
			mv "$part/tarball" "$file"
			rm -rf "$part"
			echo "$file"
			return
		fi
		say "WRONG HASH: $1@$2 is not what tools/deps.lock pins; not used"
		die "its SHA-512 is $(sha512sum <"$part/tarball" | cut -d' ' -f1);" \
			"if the version was changed on purpose, change its integrity too"
	done
	die "$1@$2 could not be fetched in $tries tries; offline? 'npm ping' tells. What is" \
		"there already is kept: run 'make deps' again later"
}

# One package of the lock is there when its integrity is noted beside files that all exist.
is_there()
{
	local stamp=$deps/.done/$1 destination
	[ -f "$stamp" ] && [ "$(cat "$stamp")" = "$2" ] || return 1
	shift 2
	for destination in "$@"; do
		[ -s "$deps/$destination" ] || return 1
	done
}

# take NAME VERSION INTEGRITY (PATH DESTINATION)…
take()
{
	local name=$1 version=$2 integrity=$3 tarball stamp i
	local -a paths=() destinations=()
	shift 3
	while [ $# -gt 0 ]; do
		paths+=("$1")
		destinations+=("$2")
		shift 2
	done
	stamp=$(printf %s "$name" | tr -d @ | tr / -)
	is_there "$stamp" "$integrity" "${destinations[@]}" && return
	command -v npm >/dev/null || install_debian npm
	work=$(mktemp -d "$deps/cache/part.XXXXXX")
	tarball=$(fetch "$name" "$version" "$integrity")
	tar -xmzf "$tarball" -C "$work" "${paths[@]}" # -m: make compares times, npm's are of 1985
	for i in "${!paths[@]}"; do
		mkdir -p "$(dirname "$deps/${destinations[i]}")"
		chmod 644 "$work/${paths[i]}"
		mv "$work/${paths[i]}" "$deps/${destinations[i]}"
	done
	mkdir -p "$deps/.done"
	printf '%s\n' "$integrity" >"$work/stamp"
	mv "$work/stamp" "$deps/.done/$stamp"
	rm -rf "$work"
	say "$name@$version is in deps/"
}

install_npm()
{
	local word name='' version='' arch='' integrity='' wanted=0 machine
	local -a files=() fields=()
	machine=$(uname -m)
	mkdir -p "$deps/cache"
	rm -rf "$deps"/cache/part.* # what an interrupted run left
	while read -r -a fields; do
		word=${fields[0]-}
		case $word in
		package)
			[ "$wanted" = 0 ] || take "$name" "$version" "$integrity" "${files[@]}"
			name=${fields[1]} version=${fields[2]}
			arch=${fields[3]} integrity=${fields[4]}
			files=()
			wanted=0
			if [ "$arch" = all ] || [ "$arch" = "$machine" ]; then wanted=1; fi
			;;
		file) files+=("${fields[1]}" "${fields[2]}") ;;
		'' | '#'*) ;;
		*) die "tools/deps.lock: line begins with '$word', not with package or file" ;;
		esac
	done <"$lock"
	[ "$wanted" = 0 ] || take "$name" "$version" "$integrity" "${files[@]}"
	[ -f "$deps/duckdb/libduckdb.so" ] ||
		die "tools/deps.lock has no DuckDB library for $machine (x86_64 and aarch64 only)"
}

missing=()
work=
trap '[ -z "$work" ] || rm -rf "$work"' EXIT
case ${1-} in
'')
	# Two runs at once (make -j, two people) take turns.
	mkdir -p "$deps"
	exec 9>"$deps/.lock"
	flock 9
	install_debian "${build_packages[@]}"
	install_npm
	;;
lint) install_debian "${lint_packages[@]}" ;;
deb) install_debian "${deb_packages[@]}" ;;
live) install_debian "${live_packages[@]}" ;;
--list)
	printf '%s\n' "${build_packages[@]}" "${lint_packages[@]}" "${deb_packages[@]}" \
		"${live_packages[@]}"
	;;
*) die "unknown argument '$1'; try: tools/deps.sh [lint | deb | live | --list]" ;;
esac
