#!/bin/sh
# From nothing to a bilingual report: `make demo`, or `make demo PCAP=FILE` with a capture of yours.
#
# Without files it simulates two months at four sensors (teiten simulate site), analyses each
# sensor into a store and writes the weekly and the monthly report.  With files it analyses those.
# Everything lands in demo/, which is made anew each time; nothing is sent anywhere.
#
#   BUILD=build      folder with the program
#   DEMO=demo        folder to write to (it must be one this script made, or not exist)
#   SCALE=0.1        part of the traffic that a real sensor would see
#   SENSOR_NET=CIDR  with PCAP: the observed addresses (default: every destination)
set -eu

BUILD=${BUILD:-build}
DEMO=${DEMO:-demo}
MARKER=$DEMO/.made-by-demo
teiten=$BUILD/teiten
START=2026-09-01
DAYS=61
MONTH=2026-10
SCALE=${SCALE:-0.1}

say() {
	printf '\n\033[1m%s\033[0m\n' "$*" | if [ -t 1 ]; then cat; else sed 's/\x1b\[[0-9;]*m//g'; fi
}

[ -x "$teiten" ] || { echo "$teiten is not there: run \`make\` first." >&2; exit 1; }
for file in "$@"; do
	[ -r "$file" ] || { echo "$file: cannot be read." >&2; exit 1; }
done
if [ -e "$DEMO" ] && [ ! -e "$MARKER" ]; then
	echo "$DEMO exists and this script did not make it; move it away, or set DEMO=FOLDER." >&2
	exit 1
fi
rm -rf "$DEMO/captures" "$DEMO/store" "$DEMO/report" "$DEMO/log.txt"
mkdir -p "$DEMO/report"
: >"$MARKER"

# What a newcomer opens: each edition that is there, with what it is.
where_to_look() {
	say 'Where to look'
	find "$DEMO/report" -name '*.html' | sort | sed 's/^/  /'
	find "$DEMO/report" -name '*.txt' | sort | sed 's/^/  /'
	cat <<END
  $DEMO/store — ask it more:
    $teiten top ports -s $DEMO/store
    $teiten top countries -s $DEMO/store --lang ja
    $teiten series 23/tcp -s $DEMO/store --last 14d
    $teiten sql -s $DEMO/store 'SELECT port, sum(packets) FROM flow GROUP BY port'
END
}

first_screen() {
	say "$1"
	shift
	# The program has gone when the reader closes early; that is no failure.
	"$teiten" report "$@" 2>/dev/null | head -n 44 || true
	echo '  […]'
}

if [ $# -gt 0 ]; then
	say "Analysing $# file(s)"
	"$teiten" analyze -r "$@" ${SENSOR_NET:+--sensor-net "$SENSOR_NET"} \
	    -s "$DEMO/store" -o "$DEMO/report"
	where_to_look
	exit 0
fi

say "Simulating $DAYS days at four sensors (nothing here was observed)"
"$teiten" simulate site -o "$DEMO/captures" --start $START --days $DAYS --scale $SCALE -q
python3 - "$DEMO" <<'END'
import json, sys, textwrap
demo = sys.argv[1]
plan = json.load(open(f'{demo}/captures/events.json'))
for s in plan['sensors']:
    print(f"  {s['file']:14} {s['packets']:9,} packets  {s['bytes'] / 1e6:5.1f} MB  "
          f"{s['addresses']:2} address{'' if s['addresses'] == 1 else 'es'}, {s['country']}")
    with open(f"{demo}/captures/{s['name']}.yaml", 'w') as f:
        f.write(f"""sensor:
  name: {s['name']}
  addresses: [{', '.join('"%s"' % net for net in s['networks'])}]
  country: {s['country']}
site:
  name_ja: 模擬データによるインターネット定点観測
  name_en: Internet Fixed-Point Observation (simulated data)
""")
kinds = ', '.join(dict.fromkeys(e['kind'] for e in plan['events']))
print(textwrap.fill(f'planted: {kinds}', 76, initial_indent='  ', subsequent_indent='    ',
                    break_on_hyphens=False))
print(f"  (when, where and how much: {demo}/captures/events.json)")
END

say 'Analysing each sensor into one store'
for config in "$DEMO"/captures/*.yaml; do
	name=$(basename "$config" .yaml)
	printf '  %-10s ' "$name"
	"$teiten" analyze -c "$config" -r "$DEMO/captures/$name.pcap" -s "$DEMO/store" \
	    >"$DEMO/captures/$name.txt" 2>>"$DEMO/log.txt" || {
		echo 'failed:'
		cat "$DEMO/log.txt" >&2
		exit 1
	}
	sed -n '2s/^read \([0-9,]*\)  counted \([0-9,]*\).*/\2 of \1 packets counted/p' \
	    "$DEMO/captures/$name.txt"
done

say 'Writing the reports in Japanese and English'
config=$(find "$DEMO/captures" -name '*.yaml' | sort | head -n 1)
"$teiten" report weekly -c "$config" -s "$DEMO/store" --lang ja,en -o "$DEMO/report/weekly"
"$teiten" report monthly --period $MONTH -c "$config" -s "$DEMO/store" --lang ja,en \
    -o "$DEMO/report/monthly-$MONTH"

first_screen 'The weekly report begins' weekly -c "$config" -s "$DEMO/store" --lang en
first_screen '週次レポートの冒頭' weekly -c "$config" -s "$DEMO/store" --lang ja
where_to_look
