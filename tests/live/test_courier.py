"""Datagrams to ports without a socket of their own: carried to the responder and back by
teiten-courier, in namespaces with what `teiten sensor rules` prints."""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

from live import PATIENCE_S, SOURCE, Sensor, Skip, contains, equal, \
    impostor_folder, is_sanitized, library_folder, main, memory_kb, need, teiten, wait_for
from netns import Network

ADDRESSES = ['192.0.2.9', '2001:db8:8::9']

DNS = b'\x12\x34\x01\0\0\1\0\0\0\0\0\0\7version\4bind\0\0\x10\0\3'
SNMP = bytes.fromhex('302602010104067075626c6963a019020412345678020100020100300b'
                     '300906052b060102010500')
SIP = (b'OPTIONS sip:100@192.0.2.9 SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.1:5062;branch=z9hG4bK-1\r\n'
       b'From: <sip:a@198.51.100.1>;tag=1\r\nTo: <sip:100@192.0.2.9>\r\nCall-ID: 1@198.51.100.1\r\n'
       b'CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nUser-Agent: friendly-scanner and friends and relatives'
       b'\r\nAccept: application/sdp\r\nX-Padding: ' + b'x' * 300 + b'\r\nContent-Length: 0\r\n\r\n')
NTP = b'\x23' + b'\0' * 39 + b'\xe9\0\0\1\0\0\0\0'
UNKNOWN = b'hello out there\n'
REPLIES = 'udp_replies: 1000'
AGAIN_S = 10


def make(respond=REPLIES, any_port='any_port: true, any_port_share: 100%', **options):
    """Every port is open, so that the test may choose."""
    need('nft')
    network = Network(quiet=False)
    network.address(*(a + ('/128' if ':' in a else '/32') for a in ADDRESSES))
    sensor = Sensor(address=', '.join(ADDRESSES), offset=0, prefix=network.prefix(),
                    respond=', '.join(filter(None, (any_port, respond))), **options)
    return network, sensor


def lead(network, sensor):
    rules = teiten('sensor', 'rules', '-c', sensor.config).stdout
    network.in_sensor('nft', '-f', '-', stdin=rules)
    for line in rules.splitlines():
        if line.startswith('#   ip ') and ('dev lo table' in line or 'fwmark' in line):
            network.in_sensor(*line[1:].split())


def start(**options):
    network, sensor = make(**options)
    lead(network, sensor)
    return network, sensor.start()


def visitor(network, address, port, own_port=0):
    """A socket of the visitor's that hears the end that it asks, and nobody else."""
    with network.visiting():
        s = socket.socket(socket.AF_INET6 if ':' in address else socket.AF_INET,
                          socket.SOCK_DGRAM)
    s.bind(('', own_port))
    s.connect((address, port))
    s.settimeout(PATIENCE_S)
    return s


def say(s, request):
    """The answer.  One that the machine was too busy for in time is refused, so it asks again; how
    often it asked is returned too."""
    s.settimeout(AGAIN_S)
    for times in range(1, PATIENCE_S // AGAIN_S + 1):
        s.send(request)
        try:
            return s.recv(65536), times
        except socket.timeout:
            continue
    raise AssertionError(f'no answer to {request}')


def ask(network, address, port, request):
    with visitor(network, address, port) as s:
        answer, _ = say(s, request)
    if len(answer) > len(request):
        raise AssertionError(f'{len(answer)} bytes for {len(request)}: {answer}')
    return answer


def silent(network, address, port, request, own_port=0):
    """Nothing came back, now that the sensor has answered somebody who asked later."""
    with visitor(network, address, port, own_port) as s:
        s.send(request)
        ask(network, address, 31999, DNS)
        s.setblocking(False)
        try:
            raise AssertionError(f'{address} port {port}: {s.recv(65536)}')
        except BlockingIOError:
            pass


def counters(sensor):
    return sensor.worker('courier')['status']


def dropped(sensor):
    """What no honest program and no friendly visitor causes, by name.  That an answer was late is
    nobody's fault on a busy machine."""
    return {name: count for name, count in counters(sensor).items() if count and name in (
        'not_sent', 'token_unknown', 'token_used', 'wrong_length', 'responder_behind', 'nonsense',
        'not_observed', 'kernel_drops')}


# ---- answers ------------------------------------------------------------------------------------

def test_answers_from_the_port_that_was_asked():
    network, sensor = start()
    expected = []
    for number, address in enumerate(ADDRESSES):
        for name, port, request, begin in (
                ('dns', 1053, DNS, b'\x12\x34\x81'), ('dns', 60001, DNS, b'\x12\x34\x81'),
                ('snmp', 1161, SNMP, b'\x30'), ('sip', 5099, SIP, b'SIP/2.0 200')):
            equal(ask(network, address, port + number, request)[:len(begin)], begin)
            expected.append((name, port + number, len(request)))
    answered = len(expected)
    for program, port, words, name in (
            ('dig', 5301, ['dig', '+time=60', '+tries=1', '@A', '-p', 'P', 'version.bind', 'CH',
                           'TXT'], 'dns'),
            ('snmpget', 1661, ['snmpget', '-v2c', '-c', 'public', '-r0', '-t60', 'udp:A:P',
                               '1.3.6.1.2.1.1.1.0'], 'snmp'),
            ('sipsak', 5599, ['sipsak', '-s', 'sip:100@A:P'], 'sip')):
        if not shutil.which(program):
            print(f'# {program} is not installed: left out')
            continue
        words = [w.replace('A', ADDRESSES[0]).replace('P', str(port)) if w in ('@A', 'P')
                 or 'A:P' in w else w for w in words]
        before = counters(sensor)['sent']
        # What they make of the short answer is theirs (dig would ask again by TCP).
        subprocess.run(network.visitor_prefix() + words, capture_output=True, check=False,
                       timeout=PATIENCE_S)
        wait_for(program, lambda before=before: counters(sensor)['sent'] > before)
        expected.append((name, port, None))
    wait_for('all are told', lambda: counters(sensor)['sent'] >= answered)
    equal(dropped(sensor), {})
    equal(sensor.counter('replies_withheld'), 0)
    equal(sensor.restarts(), 0)
    sensor.stop()
    rows = {r['dport']: r for r in sensor.sql(
        'SELECT protocol, dport, bytes_in, bytes_out FROM session WHERE transport = 17')}
    equal(sorted(rows), sorted(port for _, port, _ in expected))
    for name, port, size in expected:
        row = rows[port]
        equal((row['protocol'], row['bytes_in'] % size if size else 0), (name, 0))
        equal(0 < row['bytes_out'] <= row['bytes_in'], True)


def test_what_is_not_answered():
    network, sensor = start(respond=REPLIES + ', protocols: { telnet: [23], snmp: [161] }')
    for address in ADDRESSES:
        silent(network, address, 32000, UNKNOWN)       # recorded
        silent(network, address, 32001, DNS, 53)       # from a port that reflectors use
        silent(network, address, 161, DNS)             # that is SNMP's, which has a socket
        silent(network, address, 32002, b'')           # empty
        equal(ask(network, address, 161, SNMP)[:1], b'\x30')
    # Fragments: longer than is passed on, and still no answer that is longer.
    with visitor(network, ADDRESSES[0], 32003) as s:
        contains(say(s, SIP.replace(b'x' * 300, b'x' * 3000))[0], b'SIP/2.0 200')
        s.send(UNKNOWN * 2000)
    # For each address four that were answered and three that were not; the long two.
    wait_for('the long one', lambda: counters(sensor)['datagrams'] >= 4 * 2 + 3 * 2 + 2)
    equal(dropped(sensor), {})
    equal(counters(sensor)['unanswerable'], len(ADDRESSES))
    sensor.stop()
    rows = {(r['dport'], r['protocol']): r['n'] for r in sensor.sql(
        'SELECT dport, protocol, sum(bytes_out) > 0 AS n FROM session WHERE transport = 17 '
        'GROUP BY 1, 2 HAVING dport <> 31999')}
    equal(rows, {(32000, ''): False, (32001, 'dns'): False, (161, 'dns'): False,
                 (161, 'snmp'): True, (32003, 'sip'): True})


def test_whole_networks():
    """Routed to the machine, no address assigned."""
    nets = ['192.0.2.8/29', '2001:db8:8::/64']
    _, sensor = make()
    network = Network(quiet=False)
    network.address()
    network.in_sensor('ip', 'route', 'add', 'local', nets[0], 'dev', 'lo')
    network.in_sensor('ip', '-6', 'route', 'add', 'local', nets[1], 'dev', 'lo')
    sensor.address, sensor.prefix = ', '.join(nets), network.prefix()
    sensor.configure()
    lead(network, sensor)
    sensor.start()
    for address in ('192.0.2.12', '2001:db8:8::7:7'):
        for port in (53, 32100):
            equal(ask(network, address, port, DNS)[:2], DNS[:2])
    wait_for('all are told', lambda: counters(sensor)['sent'] == 2)
    equal(dropped(sensor), {})
    sensor.stop()


def test_a_network_gets_few():
    network, sensor = start(respond='udp_replies: 3')
    with network.visiting():
        sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(8)]
    for port, s in enumerate(sockets, 33000):
        s.connect((ADDRESSES[0], port))
        s.send(DNS)
    wait_for('all are heard', lambda: sensor.counter('datagrams') == 8)
    wait_for('three are answered', lambda: counters(sensor)['sent'] == 3)
    equal(sensor.counter('replies_withheld'), 5)
    answered = 0
    for s in sockets:
        s.settimeout(0.2 if answered == 3 else PATIENCE_S)
        try:
            answered += len(s.recv(512)) > 0
        except socket.timeout:
            pass
        s.close()
    equal(answered, 3)
    sensor.stop()


# ---- the program --------------------------------------------------------------------------------

def test_only_when_it_is_wanted():
    network, sensor = make(any_port='')
    sensor.start()
    equal((sensor.worker('courier')['wanted'], sensor.worker('courier')['pid']), (False, 0))
    off = sensor.respond
    sensor.respond = off + ', any_port: true, any_port_share: 100%'
    sensor.configure()
    lead(network, sensor)
    for respond, wanted in ((sensor.respond, True), (sensor.respond, True), (off, False)):
        seen = sensor.log().count('teiten-sensor: reloaded\n')
        before = sensor.worker('courier')['pid']
        sensor.respond = respond
        sensor.configure()
        sensor.process.send_signal(signal.SIGHUP)
        wait_for('reloaded', lambda seen=seen:
                 sensor.log().count('teiten-sensor: reloaded\n') > seen)
        wait_for('the courier', lambda wanted=wanted, before=before:
                 (sensor.worker('courier')['pid'] not in (0, before)) == wanted)
        if wanted:
            for address in ADDRESSES:
                equal(ask(network, address, 34000, DNS)[:2], DNS[:2])
    wait_for('its end', lambda: not any('courier' in line for line in programs_of(sensor)))
    equal(sensor.restarts(), 0)
    sensor.stop()


def programs_of(sensor):
    return subprocess.run(['ps', '-o', 'args=', '--ppid', str(sensor.process.pid)],
                          capture_output=True, text=True, check=False).stdout.splitlines()


def test_memory():
    if is_sanitized():
        raise Skip('sanitizers need memory of their own')
    _, sensor = start()
    time.sleep(1.5)
    used = {name: memory_kb(pid, 'Rss') for name, pid in sensor.pids().items()}
    print(f'# {sum(used.values()) / 1024:.1f} MB: {used}')
    equal('courier' in used, True)
    sensor.stop()
    if sum(used.values()) > 64 * 1024:
        raise AssertionError(f'resident: {used}')


def test_who_dies_is_replaced():
    network, sensor = start()
    for name in ('courier', 'respond'):
        pid = sensor.worker(name)['pid']
        ask(network, ADDRESSES[0], 36000, DNS)
        os.kill(pid, signal.SIGKILL)
        wait_for(f'a new {name}', lambda name=name, pid=pid:
                 sensor.worker(name)['pid'] not in (0, pid) and sensor.up())
        ask(network, ADDRESSES[0], 36001, DNS)
    equal(dropped(sensor), {})
    sensor.stop()


def test_a_slow_responder():
    network, sensor = start()
    pid = sensor.worker('respond')['pid']
    os.kill(pid, signal.SIGSTOP)
    with visitor(network, ADDRESSES[0], 37000) as s:
        for _ in range(10):
            s.send(DNS)
        wait_for('they are passed on', lambda: counters(sensor)['passed'] == 10)
        time.sleep(3.2) # nobody waits for an answer so long
        os.kill(pid, signal.SIGCONT)
        wait_for('its answers', lambda: counters(sensor)['answers'] == 10)
        equal(counters(sensor)['token_late'], 10)
        equal(dropped(sensor), {})
        os.kill(pid, signal.SIGSTOP)

        def flood():
            for _ in range(500):
                s.send(UNKNOWN * 40)
            return counters(sensor)['responder_behind']
        wait_for('it is counted', flood)
        os.kill(pid, signal.SIGCONT)
        wait_for('it has caught up', lambda: sensor.counter('datagrams')
                 == counters(sensor)['passed'])
        equal(say(s, DNS)[0][:2], DNS[:2])
    equal(sensor.restarts(), 0)
    sensor.stop()


# ---- one that has become somebody else's --------------------------------------------------------

FAKE = """#!{python}
import select, socket, struct
def frame(kind, body):
    return struct.pack('<HHI', 0x5445, kind, len(body)) + body
def take(s):
    while True:
        select.select([s], [], [])
        message = s.recv(65536)
        if not message:
            raise SystemExit
        yield struct.unpack('<HHI', message[:8])[1], message[8:]
PREPARED, BEGIN, STATUS, DATAGRAM, ANSWER = 12, 13, 6, 15, 16
control = socket.socket(fileno=4)
control.send(frame(PREPARED, bytes(4)))
for kind, _ in take(control):
    if kind == BEGIN:
        break
control.send(frame(STATUS, b'{{"here": 1}}'))
other = socket.socket(fileno={fd})
{body}
"""

# Says everything that is not its to say, and at the end what it may.
FORGER = """
for kind, body in take(other):
    token, data = body[:8], body[48:]
    if data == b'nonsense':
        other.send(b'GIVE ME A SHELL')
        other.send(frame(ANSWER, token))
        other.send(frame(BEGIN, bytes(64)))
        continue
    forged = struct.pack('<Q', struct.unpack('<Q', token)[0] + 1)
    for name, say in (forged, b'forged'), (bytes(8), b'none'), (token, data + b'!'), \\
            (token, b'answer'), (token, b'again'):
        other.send(frame(ANSWER, name + say))
"""

# When somebody asks.
NONSENSE = """
outside = socket.socket(fileno=8)
while select.select([outside], [], []):
    outside.recv(512)
    other.send(b'GIVE ME A SHELL')
"""


def impostor(name, fd, body):
    folder = impostor_folder(name, ('teiten-sensor', 'teiten-store', 'teiten-respond',
                                    'teiten-courier'),
                             FAKE.format(python=sys.executable, fd=fd, body=body))
    network, sensor = make(respond='protocols: { telnet: [23] }')
    lead(network, sensor)
    sensor.programs = folder
    return network, sensor


def test_a_responder_taken_over():
    # Its sockets: Telnet's at each address and the one of all ports; the last input; the channel.
    network, sensor = impostor('teiten-respond', 7 + len(ADDRESSES) + 1 + 1, FORGER)
    sensor.start()
    asked = 0
    for number, address in enumerate(ADDRESSES, 1):
        with visitor(network, address, 38000) as s:
            answer, times = say(s, b'who is there?')
            equal(answer, b'answer')
            asked += times
            wait_for('all it said', lambda: counters(sensor)['answers'] == 5 * asked)
            s.setblocking(False)
            try:
                raise AssertionError(s.recv(512))
            except BlockingIOError:
                pass
        told = counters(sensor)
        equal((told['sent'], told['token_unknown']), (number, 2 * asked))
        # Those of a datagram that was answered late are all late.
        equal((told['wrong_length'], told['token_used'], told['token_late']),
              (number, number, 3 * (asked - number)))
    with visitor(network, ADDRESSES[0], 38000) as s:
        s.send(b'nonsense')
    wait_for('its end', lambda: 'teiten-respond sent what no worker of ours sends: it is killed'
             in sensor.log() and 'teiten-respond ended (signal 9)' in sensor.log())
    wait_for('what it said last', lambda: counters(sensor)['nonsense'] > 0)
    # Its successor is heard again.
    wait_for('a successor', sensor.up)
    with visitor(network, ADDRESSES[0], 38001) as s:
        equal(say(s, b'who is there?')[0], b'answer')
    equal(sensor.worker('courier')['restarts'], 0)
    equal(sensor.log().count('it is killed'), 1)
    sensor.stop()


def test_a_courier_taken_over():
    network, sensor = impostor('teiten-courier', 5, NONSENSE)
    sensor.start()
    with visitor(network, ADDRESSES[0], 38002) as s:
        s.send(UNKNOWN)
    wait_for('its end', lambda: 'teiten-courier sent what no worker of ours sends: it is killed'
             in sensor.log() and 'teiten-courier ended (signal 9)' in sensor.log())
    equal(sensor.worker('respond')['restarts'], 0)
    sensor.stop()


# ---- system calls -------------------------------------------------------------------------------

def test_calls():
    need('strace')
    if is_sanitized():
        raise Skip('sanitizers make calls of their own')
    with open(os.path.join(SOURCE, 'src', 'os', 'confine.def'), encoding='ascii') as file:
        allowed = set(re.findall(r'^CALL\((\w+), \d, \d, \d, 1\)', file.read(), re.M))
    network, sensor = start()
    out = os.path.join(sensor.folder, 'courier.strace')
    tracer = subprocess.Popen(['strace', '-f', '-qq', '-o', out, '-p',
                               str(sensor.worker('courier')['pid'])], stderr=subprocess.DEVNULL)
    wait_for('strace', lambda: os.path.exists(out) and os.path.getsize(out))
    for port in range(39000, 39020):
        for address in ADDRESSES:
            ask(network, address, port, DNS)
    sensor.stop()
    tracer.wait(PATIENCE_S)
    with open(out, encoding='utf-8', errors='replace') as file:
        calls = {m.group(1) for m in re.finditer(r'^\d+ +(\w+)\(', file.read(), re.M)}
    print(f'# {" ".join(sorted(calls))}')
    equal({'recvmsg', 'sendmsg', 'readv', 'writev', 'poll'} - calls, set())
    equal(calls - allowed - {'newfstatat'}, set())
    # What it is for, and nothing that makes a descriptor, a process or a connection.
    equal(allowed & {'accept4', 'bind', 'clone', 'connect', 'execve', 'fork', 'listen', 'open',
                     'openat', 'ptrace', 'sendto', 'setsockopt', 'socket', 'socketpair'}, set())


main(globals())
