#!/usr/bin/env python3
"""Measures Teiten, and beside it the other tools that are installed: `make bench`.

    tools/bench.py [--full] [--packets N] [--runs N] [NAME…]

Prints one line `bench NAME VALUE UNIT` for each number and writes them all, with every single run,
to BUILD/bench.json.  NAME keeps only the benchmarks whose name begins with it.  The input is made
by `teiten simulate` in a folder below TMPDIR that is removed at the end.  Each value is the median
of its runs; compare numbers of one run of this script only, and only from a quiet machine (the
load is printed).  docs/benchmarks.md explains each number.
"""
import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.abspath(os.environ.get('BUILD', os.path.join(ROOT, 'build')))
TEITEN = os.path.join(BUILD, 'teiten')
NET = '198.18.0.0/16'
PACKETS = 20_000_000
SLOW_PACKETS = 2_000_000       # for tools that would need minutes
RUN_SECONDS_MAX = 900
SITE_START, SITE_DAYS, SITE_MONTH = '2026-09-01', 61, '2026-10'
SMALL_SCALE = 0.1
FULL_ROWS = 50_000_000
# About the flow rows of such a site at scale 1 (687 556 were counted at 0.1); only the choice of
# the scale for --full rests on it, the rows are counted afterwards.
ROWS_PER_SCALE = 6_800_000

results = []


class Failed(Exception):
    pass


def say(text):
    print(f'# {text}', file=sys.stderr, flush=True)


def note(name, value, unit, **extra):
    text = f'{value:.4g}' if value < 1000 else f'{value:.0f}'
    print(f'bench {name} {text} {unit}', flush=True)
    results.append({'name': name, 'value': value, 'unit': unit, **extra})


def run(command, cores=None, keep=False):
    """
    Runs to the end; returns wall and CPU seconds, peak memory in MB and standard output.  The
    kernel counts this script's own memory (about 16 MB) into the peak of what it starts.
    """
    if cores is not None:
        command = ['taskset', '-c', cores] + command
    stdout = tempfile.TemporaryFile(dir=work) if keep else subprocess.DEVNULL
    stderr = tempfile.TemporaryFile(dir=work)
    start = time.monotonic()
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr)
    # wait4 instead of wait: it also tells what the child used.
    deadline = start + RUN_SECONDS_MAX
    while True:
        pid, status, usage = os.wait4(child.pid, os.WNOHANG)
        if pid:
            break
        if time.monotonic() > deadline:
            child.kill()
            os.wait4(child.pid, 0)
            raise Failed(f'more than {RUN_SECONDS_MAX} s')
        time.sleep(0.001 if time.monotonic() - start < 1 else 0.005)
    wall = time.monotonic() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        stderr.seek(0)
        last = stderr.read().decode(errors='replace').strip().splitlines()[-1:]
        raise Failed(f'exit {child.returncode}: {" ".join(last)}')
    text = ''
    if keep:
        stdout.seek(0)
        text = stdout.read().decode(errors='replace')
    return {'wall': wall, 'cpu': usage.ru_utime + usage.ru_stime, 'rss_mb': usage.ru_maxrss / 1024,
            'output': text}


def several(command, count, before=None, **options):
    runs = []
    for _ in range(count):
        if before:
            before()
        runs.append(run(command, **options))
    for one in runs:
        one.pop('output')
    return runs


def median(runs, key):
    return statistics.median(one[key] for one in runs)


def command_text(command):
    return ' '.join(command).replace(work, '$TMPDIR')


def speed(name, command, packets, count, before=None, cores=None):
    """Packets per microsecond of wall time, of CPU time, and the peak memory."""
    try:
        runs = several(command, count, before=before, cores=cores)
    except Failed as failure:
        say(f'{name}: {failure}')
        return None
    extra = {'packets': packets, 'cores': cores, 'command': command_text(command), 'runs': runs}
    note(name, packets / median(runs, 'wall') / 1e6, 'Mpps', **extra)
    note(name + '.cpu', packets / median(runs, 'cpu') / 1e6, 'Mpps', packets=packets)
    note(name + '.rss', max(one['rss_mb'] for one in runs), 'MB')
    return runs


def latency(name, command, count):
    try:
        run(command)
        runs = several(command, count)
    except Failed as failure:
        say(f'{name}: {failure}')
        return
    note(name, median(runs, 'wall') * 1000, 'ms', command=command_text(command), runs=runs)


def simulate(*words):
    run([TEITEN, 'simulate', *words, '-q'])


def forget(path):
    def act():
        shutil.rmtree(path, ignore_errors=True)
    return act


def ask(store, sql):
    answer = run([TEITEN, 'sql', '-s', store, '--json', sql], keep=True)
    return json.loads(answer['output'])


def flow_rows(store):
    return ask(store, 'SELECT count(*) AS n FROM flow')[0]['n']


def flow_bytes(store):
    """Bytes of the files that the catalogue lists: superseded ones stay for a grace period."""
    answer = subprocess.run([TEITEN, 'db', 'stat', '-s', store, '--json'], check=True,
                            capture_output=True).stdout
    return next(row['bytes'] for row in json.loads(answer) if row['table'] == 'flow')


def wanted(name):
    return not options.names or any(name.startswith(word) for word in options.names)


def bench_core(capture):
    analyze = [TEITEN, 'analyze', '-q', '-r', capture, '--sensor-net', NET]
    # Marks, tools, tally, country and AS on one core; then all that there is to examine.
    if wanted('analyze.core'):
        speed('analyze.core', analyze + ['--quick', '--json'], options.packets, options.runs,
              cores='0')
    if wanted('analyze.whole'):
        speed('analyze.whole.one-core', analyze + ['--json'], options.packets, options.runs,
              cores='0')
        speed('analyze.whole', analyze + ['--json'], options.packets, options.runs, cores='0,1')


def bench_stored(capture):
    store = f'{work}/telescope-store'
    analyze = [TEITEN, 'analyze', '-q', '-r', capture, '--sensor-net', NET,
               '--sensor', 'sim-telescope', '-s', store]
    # The process ends when all is durable, so wall time is time until durable.
    if wanted('analyze.stored'):
        speed('analyze.stored', analyze + ['--no-compact'], options.packets,
              options.runs, before=forget(store), cores='0,1')
    if wanted('analyze.stored') or wanted('store.bytes'):
        speed('analyze.stored.compacted', analyze, options.packets, options.runs,
              before=forget(store), cores='0,1')
    if wanted('store.bytes') and os.path.isdir(store):
        try:
            run([TEITEN, 'db', 'compact', '-s', store])
            rows = flow_rows(store)
            note('store.bytes', flow_bytes(store) / rows, 'B/row', rows=rows)
            note('store.rows', rows, 'rows', packets=options.packets)
        except Failed as failure:
            say(f'store.bytes: {failure}')
    forget(store)()


def bench_rivals(capture, small):
    flows = f'{work}/nfcapd'
    os.makedirs(flows, exist_ok=True)
    # Name, program, command, file, packets.  Those below a million packets per second get less.
    rivals = [
        ('tcpdump', ['tcpdump', '-r', capture, '-w', '/dev/null'], options.packets),
        ('tracestats', ['tracestats', f'pcapfile:{capture}'], options.packets),
        ('capinfos', ['capinfos', '-c', capture], options.packets),
        ('nfpcapd', ['nfpcapd', '-r', small, '-l', flows], slow_packets),
        ('softflowd', ['softflowd', '-r', small, '-d', '-n', '127.0.0.1:9995'], slow_packets),
    ]
    for name, command, packets in rivals:
        if not wanted('rival'):
            return
        if not shutil.which(name):
            say(f'rival.{name}: not installed, skipped')
            continue
        speed(f'rival.{name}', command, packets, options.runs if packets > slow_packets else 1,
              cores='0')
    forget(flows)()


def bench_small():
    if not wanted('small'):
        return
    capture = f'{work}/small.pcap'
    simulate('telescope', '--packets', '11', '-o', capture)
    size = os.path.getsize(capture)
    say(f'small.latency: {size} bytes')
    latency('small.latency', [TEITEN, 'analyze', '-q', '-r', capture, '--json'], 15)


def site_store(scale):
    """A store of four sensors over two months."""
    captures, store = f'{work}/captures', f'{work}/site-store'
    simulate('site', '-o', captures, '--start', SITE_START, '--days', str(SITE_DAYS),
             '--scale', f'{scale:.3f}')
    with open(f'{captures}/events.json', encoding='utf-8') as file:
        plan = json.load(file)
    for sensor in plan['sensors']:
        nets = [word for net in sensor['networks'] for word in ('--sensor-net', net)]
        run([TEITEN, 'analyze', '-q', '-r', f'{captures}/{sensor["file"]}',
             '--sensor', sensor['name'], *nets, '-s', store])
    forget(captures)()
    return store


def bench_questions():
    if not wanted('report') and not wanted('top'):
        return
    suffix = '' if options.full else '.small'
    scale = FULL_ROWS / ROWS_PER_SCALE if options.full else SMALL_SCALE
    try:
        store = site_store(scale)
        rows = flow_rows(store)
    except Failed as failure:
        say(f'report.monthly: {failure}')
        return
    note(f'report.rows{suffix}', rows, 'rows')
    if wanted('report'):
        out = f'{work}/report'
        command = [TEITEN, 'report', 'monthly', '--period', SITE_MONTH, '-s', store,
                   '--lang', 'ja,en', '-o', out]
        try:
            runs = several(command, options.runs, before=forget(out))
            note(f'report.monthly{suffix}', median(runs, 'wall'), 's', rows=rows,
                 command=command_text(command), runs=runs)
            note(f'report.monthly{suffix}.rss', max(one['rss_mb'] for one in runs), 'MB')
        except Failed as failure:
            say(f'report.monthly: {failure}')
    if wanted('top'):
        latency(f'top.ports{suffix}', [TEITEN, 'top', 'ports', '-s', store, '--last', '7d'],
                max(5, options.runs))


def bench_sensor():
    """tools/bench_sensor.py, whose lines become ours."""
    if not wanted('respond') and not wanted('rss'):
        return
    script = os.path.join(ROOT, 'tools', 'bench_sensor.py')
    done = subprocess.run([sys.executable, script, BUILD], capture_output=True, text=True,
                          check=False)
    for line in done.stdout.splitlines():
        _, name, value, unit = line.split()
        note(name, float(value), unit)
    if done.returncode:
        say(f'sensor: {(done.stderr.strip().splitlines() or ["failed"])[-1]}')


def write_results(load):
    document = {'schema': 'teiten.bench/1',
                'time': time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime()),
                'machine': platform.machine(), 'system': platform.release(),
                'cores': len(os.sched_getaffinity(0)), 'load_before': load,
                'load_after': os.getloadavg()[0], 'packets': options.packets,
                'results': results}
    with open(os.path.join(BUILD, 'bench.json'), 'w', encoding='utf-8') as file:
        json.dump(document, file, indent=1)
        file.write('\n')


def main():
    if not os.access(TEITEN, os.X_OK):
        sys.exit(f'{TEITEN} is not there: run `make` first, or set BUILD')
    load = os.getloadavg()[0]
    cores = len(os.sched_getaffinity(0))
    say(f'load {load:.2f} on {cores} cores, {options.packets} packets, {options.runs} runs each')
    if load > 0.5:
        say('the machine is not quiet: take the .cpu numbers, and none of them as final')
    capture, small = f'{work}/telescope.pcap', f'{work}/telescope-small.pcap'
    if any(wanted(name) for name in ('analyze.core', 'analyze.whole', 'analyze.stored',
                                     'store.bytes', 'rival')):
        simulate('telescope', '--packets', str(options.packets), '-o', capture)
        simulate('telescope', '--packets', str(slow_packets), '-o', small)
        bench_core(capture)
        bench_rivals(capture, small)
        bench_stored(capture)
        os.unlink(capture)
    bench_small()
    bench_questions()
    bench_sensor()
    write_results(load)
    say(f'written: {BUILD}/bench.json')


parser = argparse.ArgumentParser(description=__doc__,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument('names', nargs='*', metavar='NAME')
parser.add_argument('--full', action='store_true',
                    help='the monthly report on about 50 million rows (needs some 25 GB of disk)')
parser.add_argument('--packets', type=int, default=PACKETS)
parser.add_argument('--runs', type=int, default=3)
options = parser.parse_args()
slow_packets = min(SLOW_PACKETS, options.packets)
work = tempfile.mkdtemp(prefix='teiten-bench-')
try:
    main()
finally:
    shutil.rmtree(work, ignore_errors=True)
