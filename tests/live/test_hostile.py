"""Visitors and workers that mean harm: no worker dies, nothing leaks, nonsense is not stored."""
import array
import glob
import json
import os
import random
import select
import socket
import struct
import subprocess
import sys
import time

from live import BUILD, FOLDER, SOURCE, Sensor, Skip, descriptors, equal, main, memory_kb, \
    own_address, raise_descriptors, wait_for

FUZZ_S = float(os.environ.get('TEITEN_FUZZ_S', '20'))
SEED = int(os.environ.get('TEITEN_SEED', '1'))
MAGIC = 0x54535452
CHANNEL_MAGIC = 0x5445
ROWS, SIGNATURE, BLOB, READY, MORE, STATUS, COMPLAINT, DRAIN, GONE, TAIL = range(1, 11)
CLOCK, ADDRESS = 17, 18
TABLE_COVERAGE = 2 # record/fields.def
RINGS = 2
# So that everything that signatures read of these is read.
READ = {'http': ('http.uri', 'http.request_body', 'file.data', 'http.header'), 'http2': ('http.header',),
        'tls': ('tls.sni', 'ja3.hash', 'ja4.hash', 'tls.cert_subject'), 'ssh': ('ssh.hassh', 'ssh.software'),
        'dns': ('dns.query',), 'mqtt': ('mqtt.connect.clientid',), 'snmp': ('snmp.community',),
        'sip': ('sip.uri',)}
PEERS = 2 + RINGS # responder, SSH, captures


# ---- a store alone ------------------------------------------------------------------------------

class Store:
    """teiten-store, started as the supervisor would, with the ends of its channels in our hands."""

    def __init__(self, name):
        self.path = os.path.join(FOLDER, name)
        os.mkdir(self.path)
        config = (f'sensor: {{ name: live, addresses: [127.0.0.1] }}\n'
                  f'store: {{ path: {self.path} }}\n').encode()
        start = struct.pack('=QQQQ', MAGIC, 0, 0, RINGS)
        for text in (config, b'test.yaml', b'', b'', b'', b''):
            start += struct.pack('=Q', len(text)) + text + b'\0'
        start += struct.pack('=QQ', 0, 0)
        memory = os.memfd_create('start')
        os.write(memory, start)
        self.control, control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                 for _ in range(PEERS)]
        self.peers = [ours for ours, _ in pairs]
        fds = [memory, control.fileno(), *(theirs.fileno() for _, theirs in pairs)]
        for _, theirs in pairs:
            theirs.setblocking(False)
        control.setblocking(False)
        # The shell puts them where a worker looks for them, high numbers first.
        moves = ' '.join(f'{100 + i}<&{fd}' for i, fd in enumerate(fds))
        places = ' '.join(f'{3 + i}<&{100 + i} {100 + i}<&-' for i in range(len(fds)))
        script = f'exec {moves}; exec {places}; exec "$0"'
        self.process = subprocess.Popen(
            ['bash', '-c', script, os.path.join(BUILD, 'teiten-store')],
            pass_fds=fds, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        os.close(memory)
        for _, theirs in pairs:
            theirs.close()
        control.close()
        self.control.settimeout(60)
        self.sensor = struct.unpack('=H', self.hear(READY)[:2])[0]

    def hear(self, wanted):
        end = time.monotonic() + 60
        while True:
            if time.monotonic() > end:
                raise AssertionError(f'the store did not say {wanted}')
            message = self.control.recv(1 << 17)
            if not message:
                raise AssertionError(self.process.stderr.read().decode())
            magic, kind, length = struct.unpack('=HHI', message[:8])
            equal((magic, length), (CHANNEL_MAGIC, len(message) - 8))
            if kind == wanted:
                return message[8:]

    def send(self, peer, kind, body, raw=False):
        message = body if raw else struct.pack('=HHI', CHANNEL_MAGIC, kind, len(body)) + body
        self.peers[peer].setblocking(True)
        self.peers[peer].settimeout(60)
        self.peers[peer].send(message)

    def refused(self):
        return json.loads(self.hear(STATUS))['refused']

    def stop(self):
        self.process.terminate()
        equal(self.process.wait(60), 0)


def test_nonsense_to_the_store():
    rng = random.Random(SEED)
    store = Store('alone')
    bad = [(ROWS, b'\xff\0\0\0\0'), (ROWS, b'\0'), (ROWS, b'\0\xff\xff\xff\xff'),
           (ROWS, bytes([3]) + struct.pack('<I', 4) + b'abcd'),
           (SIGNATURE, b''), (SIGNATURE, b'\0\0\0\0'), (SIGNATURE, b'\0\0\0\0a b'),
           (SIGNATURE, b'\0\0\0\0' + b'x' * 5000), (BLOB, b''), (BLOB, b'x' * 80),
           (BLOB, b'0' * 64 + struct.pack('<QQ', 4, 8) + b'abcd'),
           (BLOB, b'0' * 64 + struct.pack('<QQ', 1 << 40, 0) + b'abcd'),
           (BLOB, b'../../../../etc/passwd'.ljust(64, b'/') + struct.pack('<QQ', 4, 0) + b'abcd'),
           (BLOB, b'0' * 64 + struct.pack('<QQ', 4, 0) + b'abcd'),
           (READY, b''), (MORE, b'x'), (STATUS, b'{}'), (COMPLAINT, b'\0'), (DRAIN, b''),
           (TAIL, b'\1'), (0, b''), (65535, b'x'), (CLOCK, b''), (CLOCK, b'x' * 9),
           (CLOCK, struct.pack('<q', 1 << 60)), (ADDRESS, b'x'), (ADDRESS, bytes(21)),
           (ADDRESS, struct.pack('<IQQ', 64, 0, 0)), (ADDRESS, struct.pack('<IQQ', 1 << 31, 0, 0))]
    for number, (kind, body) in enumerate(bad, 1):
        peer = number % PEERS
        store.send(peer, kind, body)
        try:
            equal(store.hear(COMPLAINT), bytes([peer]))
        except AssertionError as difference:
            raise AssertionError(f'{number}: {kind} {body[:20]}: {difference}') from None
        store.send(peer, GONE, b'') # its successor is believed again
    for peer in (0, 1): # what only captures say
        for kind, body in ((CLOCK, bytes(8)), (ADDRESS, struct.pack('<IQQ', 0, 0, 0xffff7f000001))):
            store.send(peer, kind, body)
            equal(store.hear(COMPLAINT), bytes([peer]))
            store.send(peer, GONE, b'')
    for body in (b'', b'x', b'\0' * 8, struct.pack('=HHI', CHANNEL_MAGIC, ROWS, 99) + b'x',
                 struct.pack('=HHI', CHANNEL_MAGIC, ROWS, 60000) + b'x' * 60000):
        if not body:
            continue # nothing sent is no message
        store.send(0, 0, body, raw=True)
        equal(store.hear(COMPLAINT), b'\0')
        store.send(0, GONE, b'')
    for _ in range(3000): # nobody is believed in between: the channel is drained, nothing else
        store.send(rng.randrange(PEERS), rng.choice((ROWS, SIGNATURE, BLOB, CLOCK, ADDRESS)),
                   rng.randbytes(rng.randrange(200)))
    equal(store.process.poll(), None)
    if store.refused() < len(bad):
        raise AssertionError('complaints are not counted')
    store.stop()
    done = subprocess.run([os.path.join(BUILD, 'teiten'), 'db', 'verify', '-s', store.path],
                          capture_output=True, text=True, timeout=60, check=False)
    equal(done.returncode, 0)
    equal(glob.glob(os.path.join(store.path, 'session', '**', '*.parquet'), recursive=True), [])


def coverage(sensor, begin_us, end_us):
    row = struct.pack('<qqHIQQQqI', begin_us, end_us, sensor, 1, 1, 1, 0, 0, 0)
    return struct.pack('<BI', TABLE_COVERAGE, len(row)) + row


def test_a_store_that_is_not_the_first():
    """What a capture told the store before is not told again at once: it is asked for nothing that
    it cannot know, and no coverage is lost for it."""
    store = Store('second')
    now_us = int(time.time() * 1e6)
    clock_us = now_us - int(time.monotonic() * 1e6)
    store.send(2, ADDRESS, struct.pack('<IQQ', 5, 0, 0xffff7f000001))
    # Of two captures one has begun anew as well, and tells its clock.
    store.send(3, GONE, b'')
    store.send(3, CLOCK, struct.pack('<q', clock_us))
    for begin in (-120, -60):
        for peer in (2, 3):
            store.send(peer, ROWS, coverage(store.sensor, now_us + begin * 1000000,
                                            now_us + (begin + 60) * 1000000))
    wait_for('coverage', lambda: json.loads(store.hear(STATUS))['rows'].get('coverage') == 2, 10)
    equal(store.refused(), 0)
    store.stop()


# ---- every port of a sensor ---------------------------------------------------------------------

def transcript_lines():
    """What real clients say, from the protocols' transcripts."""
    found = []
    for name in glob.glob(os.path.join(SOURCE, 'tests', 'transcripts', '**', '*.txt'),
                          recursive=True):
        with open(name, encoding='utf-8', errors='replace') as file:
            for line in file:
                if line.startswith('C: '):
                    try:
                        text = line[3:].rstrip('\n').encode().decode('unicode_escape')
                        found.append(text.encode('latin-1', 'replace'))
                    except (UnicodeDecodeError, ValueError):
                        continue
    return found


class Fuzzer:
    def __init__(self, sensor, ports, datagrams):
        self.rng = random.Random(SEED)
        self.sensor = sensor
        self.targets = [(self.sensor.address, port) for port in ports] \
            + [('::1', port) for port in ports]
        self.datagrams = [(self.sensor.address, port) for port in datagrams] \
            + [('::1', port) for port in datagrams]
        self.lines = transcript_lines() or [b'GET / HTTP/1.0\r\n\r\n']
        self.open = []
        self.connections = 0
        self.udp = {socket.AF_INET: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
                    socket.AF_INET6: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)}
        for s in self.udp.values():
            s.setblocking(False)

    def words(self):
        rng = self.rng
        line = rng.choice(self.lines)
        choice = rng.randrange(6)
        if choice == 0:
            return rng.randbytes(rng.randrange(1, 3000))
        if choice == 1:
            return line[:rng.randrange(len(line) + 1)]
        if choice == 2 and line:
            at = rng.randrange(len(line))
            return line[:at] + rng.randbytes(3) + line[at + 1:]
        if choice == 3:
            return line * rng.randrange(1, 50)
        return line

    def act(self, s):
        """One step of a visitor; False when it has gone."""
        rng = self.rng
        choice = rng.randrange(20)
        try:
            if choice < 12:
                s.send(self.words() + (b'\r\n' if rng.randrange(2) else b''))
            elif choice < 14:
                s.recv(65536)
            elif choice == 14:
                s.shutdown(socket.SHUT_WR)
            elif choice == 15:
                s.send(self.words()[:1]) # byte by byte
            elif choice == 16:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
                s.close()
                return False
            elif choice == 17:
                s.close()
                return False
        except BlockingIOError:
            return True
        except OSError:
            s.close()
            return False
        return True

    def run(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if len(self.open) < 200:
                where = self.rng.choice(self.targets)
                s = socket.socket(socket.AF_INET6 if ':' in where[0] else socket.AF_INET)
                s.setblocking(False)
                if self.rng.randrange(10) == 0:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048) # a slow reader
                s.connect_ex(where)
                self.connections += 1
                self.open.append(s)
            self.open = [s for s in self.open if self.rng.randrange(3) or self.act(s)]
            where = self.rng.choice(self.datagrams) if self.datagrams else None
            if where:
                s = self.udp[socket.AF_INET6 if ':' in where[0] else socket.AF_INET]
                try:
                    s.sendto(self.words()[:1400], where)
                    s.recv(65536)
                except OSError:
                    pass

    def close(self):
        for s in self.open:
            s.close()
        for s in self.udp.values():
            s.close()
        self.open = []


def listening(pid):
    """Ports of a process's listening TCP and bound UDP sockets."""
    wanted = set()
    for fd in os.listdir(f'/proc/{pid}/fd'):
        try:
            link = os.readlink(f'/proc/{pid}/fd/{fd}')
        except OSError:
            continue
        if link.startswith('socket:['):
            wanted.add(link[8:-1])
    found = []
    for name, state in (('tcp6', '0A'), ('udp6', '07')):
        ports = set()
        with open(f'/proc/{pid}/net/{name}', encoding='ascii') as file:
            for line in list(file)[1:]:
                words = line.split()
                if words[3] == state and words[9] in wanted:
                    ports.add(int(words[1].rsplit(':', 1)[1], 16))
        found.append(sorted(ports))
    return found


def test_every_port():
    raise_descriptors(4096)
    rules = os.path.join(FOLDER, 'hostile.rules')
    with open(rules, 'w', encoding='utf-8') as file:
        file.writelines(f'alert {app} any any -> any any ({word}; bsize:3; sid:{number};)\n'
                        for number, (app, word) in enumerate(
                            ((app, word) for app, words in READ.items() for word in words), 1))
    sensor = Sensor(address=own_address() + ', ::1', offset=20000, respond='per_source: 100',
                    extra=f'signatures: {{ rules: ["{rules}"] }}\n')
    sensor.start()
    wait_for('the rules', lambda: sensor.counter('rules') == sum(map(len, READ.values())))
    sensor.address = sensor.address.split(',', maxsplit=1)[0]
    pids = sensor.pids()
    tcp, udp = listening(pids['respond'])
    if len(tcp) < 20:
        raise AssertionError(f'few ports: {tcp}')
    if 'ssh' in pids:
        tcp += listening(pids['ssh'])[0]
    fuzzer = Fuzzer(sensor, tcp, udp)
    fuzzer.run(FUZZ_S / 4)
    fuzzer.close()
    wait_for('idle', lambda: closed(sensor))
    memory = {name: memory_kb(pid) for name, pid in pids.items()}
    files = {name: descriptors(pid) for name, pid in pids.items()}
    fuzzer = Fuzzer(sensor, tcp, udp)
    fuzzer.run(FUZZ_S * 3 / 4)
    fuzzer.close()
    equal(sensor.pids(), pids)
    equal(sensor.restarts(), 0)
    wait_for('no connection open', lambda: closed(sensor))
    equal(sensor.counter('lost_rows'), 0)
    wait_for('as many descriptors as before', lambda: all(
        descriptors(pids[name]) == files[name] for name in ('respond', 'sensor')))
    grown = {name: memory_kb(pid) - memory[name] for name, pid in pids.items()}
    print(f'# {fuzzer.connections} connections; grown by KB: {grown}')
    if grown['respond'] > 24000: # with what signatures keep of flows, which takes a while to be full
        raise AssertionError(f'the responder has grown: {grown}')
    sensor.stop()


def closed(sensor):
    """No TCP connection is left: exchanges of datagrams end by time only."""
    status = sensor.worker('respond')['status']
    pid = sensor.pids()['respond']
    return status and connections(pid) == 0


def connections(pid):
    links = []
    for fd in os.listdir(f'/proc/{pid}/fd'):
        try:
            links.append(os.readlink(f'/proc/{pid}/fd/{fd}'))
        except FileNotFoundError:
            pass # closed meanwhile
    inodes = {link[8:-1] for link in links if link.startswith('socket:[')}
    with open(f'/proc/{pid}/net/tcp6', encoding='ascii') as file:
        return sum(words[3] != '0A' and words[9] in inodes
                   for words in (line.split() for line in list(file)[1:]))


main(globals())
