#!/usr/bin/env python3
"""Half an hour of mixed visitors for the live sensor: tools/soak.py [BUILD-FOLDER] [MINUTES]

Telnet logins, HTTP, TLS, databases, SSH, datagrams, nonsense and silent connections over IPv4 and
IPv6, on loopback.  Memory and descriptors of every process are looked at all the time; they must
stand still after the first third, no process may die, no record may be lost.  `make soak` runs it.
"""
import os
import random
import socket
import ssl
import statistics
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, 'build'))
MINUTES = float(sys.argv[2]) if len(sys.argv) > 2 else 30
sys.argv = [sys.argv[0], BUILD]
sys.path.insert(0, os.path.join(ROOT, 'tests', 'live'))
import live # noqa: E402 (its folder is known only now)

LOAD = os.path.join(BUILD, 'tests', 'live', 'load')
SAMPLE_S = 5
GROWTH_PERCENT, GROWTH_KB = 10, 6000 # more in the last third than in the second is a leak
HELD = 500
DIALOGUES = 400 # at a time, then a pause
THREADS = 4
LINES = [(80, b'GET /cgi-bin/x?%d HTTP/1.1\r\nHost: a\r\n\r\n'), (6379, b'INFO\r\nSET a b\r\n'),
         (21, b'USER a\r\nPASS b\r\n'), (25, b'EHLO x\r\nAUTH LOGIN\r\n'), (3306, b'\0\0\0\1'),
         (445, b'\0\0\0\x54\xffSMBr' + b'\0' * 80), (5900, b'RFB 003.008\n'), (22, b'SSH-2.0-s\r\n'),
         (1883, b'\x10\x10\0\4MQTT\4\2\0<\0\4soak'), (23, b'root\r\nroot\r\nid\r\nexit\r\n'),
         (5432, b'\0\0\0\x08\4\xd2\x16\x2f'), (5060, b'OPTIONS sip:a SIP/2.0\r\n\r\n')]
DATAGRAMS = [(53, b'\1\2\1\0\0\1\0\0\0\0\0\0\1a\0\0\1\0\1'), (123, b'\x1b' + b'\0' * 47),
             (161, b'0\x26\2\1\1\4\6public\xa0\x19\2\1\1\2\1\0\2\1\0' + b'0' * 10),
             (5060, b'OPTIONS sip:a SIP/2.0\r\n\r\n')]


class Visitors(threading.Thread):
    def __init__(self, sensor, number, end):
        super().__init__(daemon=True)
        self.sensor, self.end, self.count = sensor, end, 0
        self.random = random.Random(number)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.check_hostname = False
        self.context.verify_mode = ssl.CERT_NONE

    def run(self):
        while time.monotonic() < self.end:
            try:
                self.visit()
            except OSError:
                pass
            self.count += 1
            time.sleep(0.002)

    def visit(self):
        rng = self.random
        address = rng.choice((self.sensor.address, '::1'))
        port, words = rng.choice(LINES)
        choice = rng.randrange(10)
        if choice == 0:
            port, words = rng.choice(DATAGRAMS)
            with socket.socket(socket.AF_INET6 if ':' in address else socket.AF_INET,
                               socket.SOCK_DGRAM) as s:
                s.sendto(words, (address, self.sensor.port(port)))
            return
        with socket.create_connection((address, self.sensor.port(443 if choice == 1 else port)),
                                      2) as s:
            if choice == 1:
                with self.context.wrap_socket(s) as inner:
                    inner.sendall(b'GET /%d HTTP/1.0\r\n\r\n' % rng.randrange(1000))
                    inner.recv(1000)
                return
            if choice == 2:
                words = rng.randbytes(rng.randrange(1, 4000))
            s.sendall(words.replace(b'%d', b'%d' % rng.randrange(1000)))
            s.settimeout(0.05)
            s.recv(1000)


def look(sensor):
    """Memory in KB and descriptors of each process."""
    pids = sensor.pids()
    return ({name: live.memory_kb(pid) for name, pid in pids.items()},
            {name: live.descriptors(pid) for name, pid in pids.items()})


def telnet(sensor, end, stop):
    target = [LOAD, sensor.address, str(sensor.port(23)), 'dialogues', str(DIALOGUES), '64']
    done = 0
    while time.monotonic() < end and not stop.is_set():
        subprocess.run(target, check=True, capture_output=True, timeout=60)
        done += DIALOGUES
        time.sleep(1)
    return done


def verdict(samples):
    third = len(samples) // 3
    grown = []
    for name in samples[0]:
        middle = statistics.median(s[name] for s in samples[third:2 * third])
        last = statistics.median(s[name] for s in samples[2 * third:])
        print(f'{name:8} {min(s[name] for s in samples):7.0f} KB least, {middle:7.0f} in the second '
              f'third, {last:7.0f} in the last, {max(s[name] for s in samples):7.0f} most')
        if last > middle * (100 + GROWTH_PERCENT) / 100 + GROWTH_KB:
            grown.append(name)
    return grown


def main():
    live.raise_descriptors(HELD + 1000)
    sensor = live.Sensor(address='127.99.1.1, ::1', offset=20000, respond='per_source: 20000')
    sensor.start()
    if sensor.status()['sockets_failed']:
        sys.exit('soak: some ports are taken: by another program, or by a run of a minute ago')
    sensor.address = sensor.address.split(',', maxsplit=1)[0]
    time.sleep(2)
    pids, (_, files) = sensor.pids(), look(sensor)
    end = time.monotonic() + MINUTES * 60
    stop = threading.Event()
    workers = [Visitors(sensor, n, end) for n in range(THREADS)]
    for worker in workers:
        worker.start()
    dialogues = threading.Thread(target=telnet, args=(sensor, end, stop), daemon=True)
    dialogues.start()
    samples = []
    with subprocess.Popen([LOAD, sensor.address, str(sensor.port(80)), 'hold', str(HELD)],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        while time.monotonic() < end:
            time.sleep(SAMPLE_S)
            samples.append(look(sensor)[0])
            if sensor.pids() != pids:
                sys.exit(f'a process died\n{sensor.log()}')
            if len(samples) % 12 == 0:
                print(f'{len(samples) * SAMPLE_S / 60:.0f} min: {samples[-1]}', flush=True)
        holder.stdin.close()
    dialogues.join(90)
    for worker in workers:
        worker.join(10)
    live.wait_for('no session open', lambda: look(sensor)[1]['respond'] <= files['respond'], 90)
    lost = sum(w['status'].get('lost_rows', 0) for w in sensor.status()['workers'].values()
               if w['status'])
    accepted, rows = sensor.counter('accepted'), sensor.settle('session')
    sensor.stop(60)
    grown = verdict(samples)
    print(f'{sum(w.count for w in workers)} visits besides Telnet, {accepted} connections, '
          f'{rows} sessions recorded, {lost} lost; descriptors as before')
    if grown or lost:
        sys.exit(f'memory has grown: {grown}' if grown else f'{lost} records lost')


main()
