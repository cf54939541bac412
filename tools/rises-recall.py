#!/usr/bin/env python3
"""Are planted rises found, and nothing else?

rises-recall.py [--teiten build/teiten] [--seeds 1-30] [--days 21] [--scale 0.05] [--sensors 4]

For every seed it simulates a site (`teiten simulate site`), stores its captures, asks
`teiten rises` for the whole span and compares: each planted event must be there with its
locality, and each other row is a false rise.  Prints one line per seed and the sums; exit 1 when the bars are missed
(recall 99 %, one false rise per sensor and month, no one-sensor burst called global).
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile

# event: the rows of which one must be there, its direction and locality.
PLANTED = {
    "mirai-growth": ({("port", "23/tcp"), ("tool", "mirai")}, "up", "global"),
    "new-port": ({("port", "30005/tcp")}, "up", "global"),
    "one-sensor-burst": ({("port", "1900/udp")}, "up", "single-sensor"),
    "smb-fall": ({("port", "445/tcp")}, "down", "global"),
}
# Consequences of the same events, which may be listed too.
ALLOWED = {("port", "2323/tcp", "up"), ("tool", "mirai", "up")}
RECALL = 0.99
FALSE_PER_SENSOR_MONTH = 1.0


def run(program, *arguments):
    return subprocess.run([program, *arguments], check=True, stdout=subprocess.PIPE).stdout


def rows_of(o, seed, folder):
    captures = os.path.join(folder, "captures")
    store = os.path.join(folder, "store")
    run(o.teiten, "simulate", "site", "-o", captures, "--days", str(o.days), "--scale", o.scale,
        "--sensors", str(o.sensors), "--seed", str(seed))
    with open(os.path.join(captures, "events.json"), encoding="utf-8") as f:
        site = json.load(f)
    for sensor in site["sensors"]:
        nets = [a for n in sensor["networks"] for a in ("--sensor-net", n)]
        run(o.teiten, "analyze", "-q", "-r", os.path.join(captures, sensor["file"]), "--sensor",
            sensor["name"], *nets, "-s", store)
    rows = json.loads(run(o.teiten, "rises", "-s", store, "--last", f"{o.days}d", "--json"))
    return rows, {e["kind"] for e in site["events"]}


def judge(rows, kinds):
    found, wrong, false, bursts_global = [], [], [], 0
    for kind in sorted(kinds & set(PLANTED)):
        keys, direction, locality = PLANTED[kind]
        same = [r for r in rows if (r["kind"], r["key"]) in keys and r["direction"] == direction]
        if any(r["locality"] == locality for r in same):
            found.append(kind)
        else:
            wrong.append(kind)
        if locality == "single-sensor":
            bursts_global += sum(r["locality"] == "global" for r in same)
    known = {(k, key, d) for keys, d, _ in PLANTED.values() for k, key in keys} | ALLOWED
    for r in rows:
        if (r["kind"], r["key"], r["direction"]) not in known:
            false.append(f'{r["key"]} {r["direction"]} {r["start"][:10]}')
    return found, wrong, false, bursts_global


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--teiten", default="build/teiten")
    p.add_argument("--seeds", default="1-30")
    p.add_argument("--days", type=int, default=21)
    p.add_argument("--scale", default="0.05")
    p.add_argument("--sensors", type=int, default=4)
    o = p.parse_args()
    first, _, last = o.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    planted = hits = false_rises = global_bursts = 0
    for seed in seeds:
        folder = tempfile.mkdtemp(prefix="teiten-recall-")
        try:
            found, wrong, false, bursts = judge(*rows_of(o, seed, folder))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        planted += len(found) + len(wrong)
        hits += len(found)
        false_rises += len(false)
        global_bursts += bursts
        print(f"seed {seed}: {len(found)} of {len(found) + len(wrong)}"
              + (f"; missed {', '.join(wrong)}" if wrong else "")
              + (f"; false: {', '.join(false)}" if false else ""), flush=True)
    months = len(seeds) * o.sensors * o.days / 30
    recall = hits / planted if planted else 0
    print(f"recall {100 * recall:.1f} % ({hits} of {planted}), false rises {false_rises} "
          f"({false_rises / months:.2f} per sensor and month), "
          f"bursts of one sensor called global: {global_bursts}")
    return 0 if recall >= RECALL and false_rises <= FALSE_PER_SENSOR_MONTH * months \
        and not global_bursts else 1


if __name__ == "__main__":
    sys.exit(main())
