#!/usr/bin/env python3
"""Measures the live sensor on loopback: tools/bench_sensor.py [BUILD-FOLDER] [DIALOGUES] [HELD]

Prints `bench NAME VALUE UNIT`: respond.dialogues (telnet logins per second of the responder's
processor time, all stored), respond.dialogues.wall (per second of wall time, the load generator
beside it), rss.sensor (idle, sum of the processes' Pss), respond.concurrent (idle connections
held), respond.concurrent.rss (of all workers then), rival.bare-epoll (the same logins with a loop
that does nothing else) and capture.minute (share of a processor while 10,000 packets come in a
minute, as root).  Needs a build with tests.
"""
import os
import socket
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

MINUTE_S, PACKETS = 60, 10200
IP_RECVERR = 11
LOAD = os.path.join(BUILD, 'tests', 'live', 'load')


def note(name, value, unit):
    print(f'bench {name} {value:.4g} {unit}' if value < 1000 else
          f'bench {name} {value:.0f} {unit}', flush=True)


def rss(sensor):
    return sum(live.memory_kb(pid) for pid in sensor.pids().values()) / 1024


def measure_bare(sensor):
    """The same logins with a loop that does nothing else; per second of its processor time."""
    port = str(sensor.port(23) + 1)
    with subprocess.Popen([os.path.join(BUILD, 'tests', 'live', 'bare'), sensor.address, port],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as bare:
        bare.stdout.readline()
        before = live.cpu_seconds(bare.pid)
        subprocess.run([LOAD, sensor.address, port, 'dialogues', str(DIALOGUES), '512'], check=True,
                       timeout=150, capture_output=True)
        used = live.cpu_seconds(bare.pid) - before
        bare.stdin.close()
    note('rival.bare-epoll', DIALOGUES / used, '/s/core')


def measure_minute():
    """Share of a processor that all processes take while 10,000 packets come in a minute."""
    sensor = live.Sensor(capture='capture: { interface: lo, filter: "dst port 47999" }\n').start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.SOL_IP, IP_RECVERR, 0)
        before = sum(live.cpu_seconds(pid) for pid in sensor.pids().values())
        for _ in range(MINUTE_S * 10):
            for _ in range(PACKETS // MINUTE_S // 10):
                s.sendto(b'x', (sensor.address, 47999))
            time.sleep(0.1)
    used = sum(live.cpu_seconds(pid) for pid in sensor.pids().values()) - before
    read = sensor.worker('capture')['status']['read']
    note('capture.minute.packets', read, '')
    note('capture.minute', 100 * used / MINUTE_S, '%')
    sensor.stop(30)


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
    sensor.settle('login')
    stored = sensor.worker('store')['status']['rows'].get('login', 0)
    if stored != DIALOGUES or int(out[1]):
        sys.exit(f'{DIALOGUES} logins, {stored} stored, {out[1]} lost')
    note('respond.dialogues', DIALOGUES / used, '/s/core')
    measure_bare(sensor)
    note('respond.dialogues.wall', DIALOGUES / float(out[0]), '/s')
    with subprocess.Popen([*target, 'hold', str(hold)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as holder:
        held = int(holder.stdout.readline().split()[0])
        note('respond.concurrent', held, 'sessions')
        note('respond.concurrent.rss', rss(sensor), 'MB')
        holder.stdin.close()
    sensor.stop(30)
    measure_minute()


main()
