#!/usr/bin/env python3
"""Measures the live sensor on loopback: tools/bench_sensor.py [BUILD-FOLDER] [DIALOGUES] [HELD]

Prints `bench NAME VALUE UNIT`: respond.dialogues (telnet logins per second of the responder's
processor time, all stored), respond.dialogues.wall (per second of wall time, the load generator
beside it), rss.sensor (idle, sum of the processes' Pss), respond.concurrent (idle connections
held) and respond.concurrent.rss (of all workers then).  Needs a build with tests.
"""
import os
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, 'build'))
DIALOGUES = int(sys.argv[2]) if len(sys.argv) > 2 else 40000
HELD = int(sys.argv[3]) if len(sys.argv) > 3 else 20000
sys.argv = [sys.argv[0], BUILD]
sys.path.insert(0, os.path.join(ROOT, 'tests', 'live'))
import live # noqa: E402 (its folder is known only now)

LOAD = os.path.join(BUILD, 'tests', 'live', 'load')


def note(name, value, unit):
    print(f'bench {name} {value:.4g} {unit}' if value < 1000 else
          f'bench {name} {value:.0f} {unit}', flush=True)


def rss(sensor):
    return sum(live.memory_kb(pid) for pid in sensor.pids().values()) / 1024


def main():
    limit = live.raise_descriptors(HELD + 2000)
    hold = min(HELD, limit - 1000) # the responder has sockets of its own
    sensor = live.Sensor(respond='sessions: 196608, per_source: 196608').start()
    time.sleep(2)
    note('rss.sensor', rss(sensor), 'MB')
    pid = sensor.pids()['respond']
    before = live.cpu_seconds(pid)
    target = [LOAD, sensor.address, str(sensor.port(23))]
    out = subprocess.run([*target, 'dialogues', str(DIALOGUES), '512'], check=True, timeout=150,
                         capture_output=True, text=True).stdout.split()
    used = live.cpu_seconds(pid) - before
    sensor.settle('login', 30)
    stored = sensor.worker('store')['status']['rows'].get('login', 0)
    if stored != DIALOGUES or int(out[1]):
        sys.exit(f'{DIALOGUES} logins, {stored} stored, {out[1]} lost')
    note('respond.dialogues', DIALOGUES / used, '/s/core')
    note('respond.dialogues.wall', DIALOGUES / float(out[0]), '/s')
    with subprocess.Popen([*target, 'hold', str(hold)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as holder:
        held = int(holder.stdout.readline().split()[0])
        note('respond.concurrent', held, 'sessions')
        note('respond.concurrent.rss', rss(sensor), 'MB')
        holder.stdin.close()
    sensor.stop(30)


main()
