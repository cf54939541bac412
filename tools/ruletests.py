#!/usr/bin/env python3
"""ruletests.py TEITEN FOLDER [NAME…]: how far signatures agree with Suricata on small tests.

Each folder in FOLDER has input.pcap, test.rules and expected.json (what Suricata raised with just
these rules).  Prints every difference and last `agree N/M (P%)`; sets of (gid, sid) are compared,
differing counts are printed and do not count.  EVENTS=1 compares engine events (sid 22xxxxx) too.
Exit 0 when at least MIN per cent agree (environment, default 95)."""

import json
import os
import pathlib
import subprocess
import sys

EVENTS = range(2200000, 2300000)


def expected(folder):
    document = json.loads((folder / 'expected.json').read_text())
    return {(a['gid'], a['sid']): a['count'] for a in document['alerts']}


def raised(teiten, folder):
    run = subprocess.run(
        [teiten, 'analyze', '--json', '--all', '-q', '--rules', folder / 'test.rules', '-r',
         folder / 'input.pcap'], capture_output=True, timeout=60, check=False)
    if run.returncode not in (0, 1):
        raise RuntimeError(f'exit {run.returncode}: {run.stderr.decode(errors="replace")[-200:]}')
    return {(a['gid'], a['sid']): a['count'] for a in json.loads(run.stdout)['alerts']}


def keep(alerts, events):
    return {k: v for k, v in alerts.items() if events or k[1] not in EVENTS}


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    teiten, root, names = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3:]
    events = os.environ.get('EVENTS') == '1'
    agree = total = 0
    for folder in sorted(p.parent for p in root.glob('*/expected.json')):
        if names and folder.name not in names:
            continue
        want = keep(expected(folder), events)
        total += 1
        try:
            got = keep(raised(teiten, folder), events)
        except (RuntimeError, ValueError, subprocess.TimeoutExpired) as error:
            print(f'{folder.name}: {error}')
            continue
        if set(want) == set(got):
            agree += 1
        for key in sorted(set(want) | set(got)):
            if want.get(key) != got.get(key):
                print(f'{folder.name}: sid {key[1]} want {want.get(key, 0)} got {got.get(key, 0)}')
    share = 100 * agree / total if total else 0.0
    print(f'agree {agree}/{total} ({share:.1f}%)')
    return 0 if total and share >= float(os.environ.get('MIN', '95')) else 1


if __name__ == '__main__':
    sys.exit(main())
