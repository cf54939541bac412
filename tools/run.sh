#!/bin/bash
# Runs a sensor from this folder until Ctrl-C and shows what comes: `make run`.
#
# It answers on loopback only, so that nobody reaches it before you want that.  Everything it keeps
# is in run/: its configuration, its store (records stay from one run to the next) and its log.
#
#   ADDRESS=192.0.2.10     answer there instead (several: with commas; `all`: every address of this
#                          machine).  Whoever reaches the address reaches the sensor
#   PORT_OFFSET=10000      added to each port; 0 when root runs it
#   INTERFACE=eth0         also count packets there (root only; by default where ADDRESS is)
#   CONFIG=FILE            use this configuration and look at nothing above
#   BUILD=build  RUN=run   folder with the programs, folder to keep things in
set -eu

BUILD=${BUILD:-build}
RUN=${RUN:-run}
READY_SECONDS=30
root=
[ "$(id -u)" != 0 ] || root=yes
sensor_pid=
tail_pid=

say() { printf '%s\n' "$*"; }
die() { printf 'run: %s\n' "$*" >&2; exit 1; }

# The addresses of this machine that others can reach, one a line.
local_addresses()
{
	hostname -I | tr ' ' '\n' | grep -v '^fe80' | grep . || true
}

interface_of()
{
	command -v ip >/dev/null || return 0
	ip -o addr show | awk -v a="$1" '{ split($4, p, "/"); if (p[1] == a) { print $2; exit } }'
}

write_config()
{
	local list offset
	local -a each
	case ${ADDRESS:-} in
	'') list=127.0.0.1 ;;
	all) list=$(local_addresses | paste -sd, -) ;;
	*) list=$ADDRESS ;;
	esac
	[ -n "$list" ] || die "this machine has no address besides loopback; give ADDRESS="
	offset=${PORT_OFFSET:-$([ -n "$root" ] && echo 0 || echo 10000)}
	interface=
	[ -z "$root" ] || interface=${INTERFACE:-$(interface_of "${list%%,*}")}
	IFS=, read -ra each <<<"$list"
	addresses=$list port_offset=$offset
	# Addresses are quoted: those of IPv6 have colons.  With sudo the records are yours, not root's.
	cat >"$RUN/teiten.yaml" <<-END
		# Written by make run, each time. To keep changes: copy it, then make run CONFIG=COPY.
		sensor:
		  name: here
		  addresses: [$(printf '"%s", ' "${each[@]}" | sed 's/, $//')]
		  user: ${SUDO_USER:-root}
		store:
		  path: $(cd "$RUN" && pwd)/store
		respond:
		  port_offset: $offset
		$([ -z "$interface" ] || printf 'capture:\n  interface: %s\n' "$interface")
	END
	CONFIG=$RUN/teiten.yaml
}

# shellcheck disable=SC2317 # called by the trap
stop()
{
	trap '' INT TERM HUP
	say ''
	say 'Stopping: what is open is recorded first.'
	kill -TERM "$sensor_pid" 2>/dev/null || true
	wait "$sensor_pid" 2>/dev/null || true
	[ -z "$tail_pid" ] || wait "$tail_pid" 2>/dev/null || true
	cat <<-END

		Everything it saw is in $store. Ask it:
		  $BUILD/teiten top protocols -s $store
		  $BUILD/teiten top logins -s $store
		  $BUILD/teiten sql -s $store 'SELECT time, protocol, request FROM session ORDER BY time'
	END
	exit 0
}

wait_ready()
{
	local i
	for ((i = 0; i < READY_SECONDS * 5; i++)); do
		kill -0 "$sensor_pid" 2>/dev/null || return 1
		grep -q '^teiten-sensor: ready$' "$RUN/sensor.log" && return
		sleep 0.2
	done
	return 1
}

[ -x "$BUILD/teiten-sensor" ] || die "$BUILD/teiten-sensor is not there: run \`make\` first"
umask 077 # what visitors send is for nobody else
mkdir -p "$RUN"
[ -z "$root" ] || chown "${SUDO_USER:-root}:" "$RUN"
[ -w "$RUN" ] || die "$RUN belongs to another user: RUN=FOLDER names another one"
if [ -z "${CONFIG:-}" ]; then write_config; else addresses='' port_offset='' interface=''; fi
store=$("$BUILD/teiten" config dump -c "$CONFIG" --json |
	python3 -c 'import json, sys
print(next(k["value"] for k in json.load(sys.stdin) if k["key"] == "store.path"))')
if [ -e "$store" ] && { [ ! -w "$store" ] || [ ! -r "$store/persona" ]; }; then
	die "$store belongs to another user (root ran it?): RUN=FOLDER names another one"
fi
if "$BUILD/teiten" sensor status -s "$store" >/dev/null 2>&1; then
	die "a sensor runs already with the store $store"
fi

: >"$RUN/sensor.log"
# Its own session: Ctrl-C reaches this script only, which then stops it in order.
setsid "$BUILD/teiten-sensor" -c "$CONFIG" 2>"$RUN/sensor.log" &
sensor_pid=$!
trap stop INT TERM HUP
if ! wait_ready; then
	kill -TERM "$sensor_pid" 2>/dev/null || true
	cat "$RUN/sensor.log" >&2
	die 'the sensor did not start; its messages are above'
fi

"$BUILD/teiten" sensor tail -s "$store" ${CREDENTIALS:+--credentials} 2>/dev/null &
tail_pid=$!
"$BUILD/teiten" sensor status -s "$store" --lang en | sed -n '/^listening/s/^l/L/p'
if grep -q 'in use' "$RUN/sensor.log"; then
	say "  ($(grep -c 'in use' "$RUN/sensor.log") ports belong to other programs: $RUN/sensor.log)"
fi
if [ -n "$addresses" ]; then
	first=${addresses%%,*}
	say "Addresses: ${addresses//,/ }; each port is the protocol's own + $port_offset."
	if [ -z "${ADDRESS:-}" ]; then
		say 'Only this machine reaches it. To be reached by others:'
		say '  sudo make run ADDRESS=YOUR-ADDRESS      (or ADDRESS=all)'
	fi
	cat <<-END
		Try it from another terminal:
		  curl http://$first:$((80 + port_offset))/
		  nc $first $((23 + port_offset))              (Telnet: a default password, or try three times)
		  ssh -p $((22 + port_offset)) root@$first
	END
	case $interface in
	'') say 'Packets are not counted: that needs root and an interface. Sessions, logins and commands are recorded.' ;;
	esac
fi
say 'What comes is shown below, a session when it ends. Ctrl-C stops.'
say ''
wait "$sensor_pid" || true
say ''
cat "$RUN/sensor.log" >&2
die 'the sensor ended by itself; its messages are above'
