"""Every port: what `teiten sensor rules` prints is applied in a namespace and visited."""
import socket
import time

from live import Sensor, contains, equal, main, need, read_until, teiten, wait_for
from netns import Network

ADDRESSES = ['192.0.2.9', '192.0.2.10']
ADDRESSES6 = ['2001:db8:8::9', '2001:db8:8::a']
ASKED = range(30000, 30200)


def start():
    need('nft')
    network = Network(quiet=False)
    network.address(*(a + '/32' for a in ADDRESSES), *(a + '/128' for a in ADDRESSES6))
    sensor = Sensor(address=', '.join(ADDRESSES + ADDRESSES6), offset=0, respond='any_port: true',
                    prefix=network.prefix())
    rules = teiten('sensor', 'rules', '-c', sensor.config).stdout
    network.in_sensor('nft', '-f', '-', stdin=rules)
    network.in_sensor('nft', '-f', '-', stdin=rules) # a repeat replaces
    for line in rules.splitlines():
        if line.startswith('#   ip ') and 'dev lo table' in line or 'fwmark' in line:
            network.in_sensor(*line[1:].split())
    return network, sensor.start()


def answers(network, address, port):
    """An open connection there, or None."""
    with network.visiting():
        try:
            return socket.create_connection((address, port), 60)
        except ConnectionRefusedError:
            return None


def open_port(network, address, first):
    for port in range(first, first + 100):
        if s := answers(network, address, port):
            return port, s
    raise AssertionError(f'no port from {first} is open at {address}')


def login(s, user):
    with s:
        contains(read_until(s, b'ogin'), b'ogin')
        s.sendall(user.encode() + b'\r\n')
        contains(read_until(s, b'assword'), b'assword')
        s.sendall(b'pw\r\n')
        s.recv(4096)


def test_tcp_over_both():
    network, sensor = start()
    expected = {}
    for number, address in enumerate(ADDRESSES + ADDRESSES6):
        # Who waits for a prompt gets one; who speaks HTTP is answered in it.
        port, s = open_port(network, address, 40000 + 1000 * number)
        login(s, f'waits{number}')
        expected[f'waits{number}'] = ('telnet', port)
        port, s = open_port(network, address, 45000 + 1000 * number)
        with s:
            s.sendall(f'GET /{number} HTTP/1.0\r\n\r\n'.encode())
            contains(read_until(s, b'\r\n'), b'HTTP/1.')
        expected[f'GET /{number}'] = ('http', port)
        # Its own ports as ever: Telnet, and SSH from the other program.
        login(answers(network, address, 2223 if number % 2 else 23), f'own{number}')
        expected[f'own{number}'] = ('telnet', 2223 if number % 2 else 23)
        with answers(network, address, 22) as s:
            contains(read_until(s, b'\n'), b'SSH-2.0')
            s.sendall(b'SSH-2.0-live\r\n')
    equal(sensor.restarts(), 0)
    sensor.settle('login')
    sensor.stop()
    found = {r['user']: (r['protocol'], r['dport'])
             for r in sensor.sql('SELECT "user", protocol, dport FROM login')}
    for row in sensor.sql("SELECT request, dport FROM session WHERE protocol = 'http'"):
        found[row['request'].rsplit(' ', 1)[0] if 'HTTP' in row['request'] else row['request']] = \
            ('http', row['dport'])
    equal(found, expected)
    equal(sensor.sql("SELECT count(*) AS n FROM session WHERE protocol = 'ssh'")[0]['n'], 4)
    # What the SYN looked like was seen although the socket is another port's.
    equal(sensor.sql("SELECT count(*) AS n FROM session WHERE protocol = 'telnet' "
                     'AND syn_signature = 0')[0]['n'], 0)


def test_not_every_port_is_open():
    network, sensor = start()
    profiles = []
    for address in ADDRESSES + ADDRESSES6[:1]:
        profile = set()
        for port in ASKED:
            if s := answers(network, address, port):
                s.close()
                profile.add(port)
        if not len(ASKED) / 2 < len(profile) < len(ASKED) * 9 / 10:
            raise AssertionError(f'{address}: {len(profile)} of {len(ASKED)} are open')
        equal(all(not answers(network, address, port) for port in
                  list(set(ASKED) - profile)[:5]), True) # it stays as it is
        profiles.append(profile)
    equal(len({frozenset(p) for p in profiles}), len(profiles))
    sensor.stop()


def test_datagrams():
    network, sensor = start()
    asked = {}
    with network.visiting():
        for number, address in enumerate(ADDRESSES[:1] + ADDRESSES6[:1]):
            family = socket.AF_INET6 if ':' in address else socket.AF_INET
            for port in range(33000, 33020):
                with socket.socket(family, socket.SOCK_DGRAM) as s:
                    s.sendto(f'hello {number} {port}\n'.encode(), (address, port))
                    asked[port] = asked.get(port, 0) + 1
            with socket.socket(family, socket.SOCK_DGRAM) as s: # its own port answers
                s.connect((address, 53))
                s.settimeout(60)
                s.send(b'\x12\x34\x01\0\0\1\0\0\0\0\0\0\7version\4bind\0\0\x10\0\3')
                equal(s.recv(512)[:2], b'\x12\x34')
    wait_for('datagrams', lambda: sensor.counter('datagrams') >= 20)
    seen = -1
    while seen != sensor.counter('datagrams'): # the closed ports' are not counted
        seen = sensor.counter('datagrams')
        time.sleep(2.5)
    sensor.stop()
    rows = sensor.sql("SELECT dport, count(*) AS n FROM session WHERE transport = 17 "
                      'AND dport > 1000 GROUP BY 1')
    equal([r for r in rows if r['dport'] not in asked or r['n'] > 2], [])
    if not 15 <= len(rows) <= 20:
        raise AssertionError(f'{len(rows)} of 20 ports: {rows}')
    equal(sensor.sql('SELECT sum(bytes_out) AS n FROM session WHERE dport > 1000')[0]['n'], 0)


main(globals())
