"""Signatures on a live sensor: what a session, what came through TLS and a datagram match; SIGHUP
takes new rules, wrong ones are said and drive nobody out; the capture inspects the rest."""
import json
import os
import signal
import socket
import sqlite3
import ssl
import struct
import threading
import time

from live import ROOT, Sensor, Skip, contains, equal, main, teiten, telnet_login, wait_for

RULES = '''\
config classification: web-application-attack,Web Application Attack,1
alert http any any -> $HOME_NET any (msg:"EXPLOIT cgi-bin luci"; flow:established,to_server; \
http.uri; content:"/cgi-bin/luci"; classtype:web-application-attack; sid:1000001; rev:3;)
alert udp any any -> any any (msg:"M-SEARCH"; content:"M-SEARCH"; sid:1000002; rev:1;)
alert tcp any 23 -> any any (msg:"our answer"; flow:to_client; content:"ogin"; nocase; \
threshold:type limit, track by_dst, count 1, seconds 600; sid:1000003; rev:1;)
alert tls any any -> any any (msg:"asked for a name"; tls.sni; content:"camera.example"; \
sid:1000004; rev:1;)
alert tcp any any -> any any (msg:"a small TTL"; ttl:<255; content:"GET"; sid:1000005; rev:1;)
'''
PROTOCOLS = 'protocols: { telnet: [23], http: [80, 443], coap: [5683] }'


class Ruled(Sensor):
    def __init__(self, rules=RULES, **options):
        super().__init__(respond=PROTOCOLS, **options)
        self.file = os.path.join(self.folder, 'own.rules')
        self.extra = f'signatures: {{ rules: ["{self.folder}/*.rules"] }}\n'
        self.write(rules)
        self.configure()

    def write(self, rules):
        with open(self.file, 'w', encoding='utf-8') as file:
            file.write(rules)

    def start(self):
        super().start()
        workers = ('respond', 'capture') if self.capture else ('respond',)
        wait_for('the rules', lambda: all((self.worker(name)['status'] or {}).get('rules')
                                          for name in workers))
        return self

    def reload(self):
        seen = self.log().count('teiten-sensor: reloaded\n')
        self.process.send_signal(signal.SIGHUP)
        wait_for('reload', lambda: self.log().count('teiten-sensor: reloaded\n') > seen)

    def alerts(self):
        return self.sql('SELECT sid, dport, proto, session, msg, class, severity, suppressed '
                        'FROM alert ORDER BY sid, dport, time')

    def raised(self, number, worker='respond'):
        wait_for(f'{number} alerts', lambda: self.counter('alerts', worker) >= number)


def http(sensor, path, port=80, tls=None):
    request = f'GET {path} HTTP/1.1\r\nHost: {sensor.address}\r\nUser-Agent: x\r\n\r\n'.encode()
    with sensor.connect(port) as plain:
        if tls:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            with context.wrap_socket(plain, server_hostname=tls) as s:
                s.sendall(request)
                return s.recv(4096)
        plain.sendall(request)
        return plain.recv(4096)


def datagram(sensor, port, data):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(data, (sensor.address, sensor.port(port)))


def test_sessions():
    sensor = Ruled().start()
    lines, listener = sensor.tail()
    equal(sensor.counter('rules'), 5)
    http(sensor, '/index.html')
    http(sensor, '/cgi-bin/luci/;stok=/locale')
    http(sensor, '/cgi-bin/luci', port=443, tls='camera.example')
    datagram(sensor, 5683, b'M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n'
             b'MAN: "ssdp:discover"\r\nMX: 2\r\nST: ssdp:all\r\n\r\n')
    telnet_login(sensor, 'root', 'x')
    sensor.raised(5)
    wait_for('tail', lambda: [r for r in lines if r['kind'] == 'alert' and r['sid'] == 1000002])
    contains(teiten('sensor', 'status', '-s', sensor.store).stdout, '5 rules')
    sensor.stop()
    listener.join(60)
    alert = next(r for r in lines if r['kind'] == 'alert' and r['sid'] == 1000001)
    equal((alert['port'], alert['msg'], alert['class'], alert['severity'], alert['source']),
          (80, 'EXPLOIT cgi-bin luci', 'web-application-attack', 1, '127.0.0.1'))
    rows = sensor.alerts()
    equal([(r['sid'], r['dport'], r['proto']) for r in rows if not r['suppressed']],
          [(1000001, 80, 6), (1000001, 443, 6), (1000002, 5683, 17), (1000003, 23, 6),
           (1000004, 443, 6)])
    with sqlite3.connect(os.path.join(sensor.store, 'catalogue.db')) as catalogue:
        known = catalogue.execute('SELECT rules, time_to > time_from FROM rules').fetchall()
    equal(known, [(5, 1)])
    # Each names its session, also when our answer matched.
    joined = sensor.sql('SELECT alert.sid, session.protocol FROM alert JOIN session '
                        'ON session.id = alert.session AND session.src_lo = alert.src_lo '
                        'WHERE suppressed = 0 ORDER BY sid, session.protocol')
    equal([(r['sid'], r['protocol']) for r in joined],
          [(1000001, 'http'), (1000001, 'http'), (1000002, 'ssdp'), (1000003, 'telnet'),
           (1000004, 'http')])
    listed = json.loads(teiten('alerts', '-s', sensor.store, '--json').stdout)
    equal([(r['sid'], r['count']) for r in listed],
          [(1000001, 2), (1000002, 1), (1000003, 1), (1000004, 1)])


def test_reload():
    """No session is lost: one that is open goes on, with the rules it began with."""
    sensor = Ruled().start()
    with sensor.connect(80) as old:
        wait_for('the session', lambda: sensor.counter('open') == 1)
        sensor.write(RULES + 'alert tcp any any -> any any (msg:"new"; content:"/fresh"; '
                     'sid:1000009; rev:1;)\nalert tcp any any -> any (msg:"broken"; sid:7;)\n')
        sensor.reload()
        contains(sensor.log(), 'own.rules:8: sid 7', '6 rules are used')
        wait_for('the rules', lambda: sensor.counter('rules') == 6)
        http(sensor, '/fresh')
        sensor.raised(1)
        old.sendall(b'GET /cgi-bin/luci HTTP/1.0\r\n\r\n')
        contains(old.recv(4096), b'HTTP/1')
    # Nothing that can be used: the rules stay, the rest of the configuration does not.
    sensor.write('alert tcp any any\n')
    sensor.respond = PROTOCOLS.replace('23', '24')
    sensor.configure()
    sensor.reload()
    contains(sensor.log(), 'none of the rules can be used; those from before stay')
    telnet_login(sensor, 'root', 'x', port=24)
    http(sensor, '/fresh')
    sensor.raised(1)
    # No file: the same.  No rules wanted: none.
    os.remove(sensor.file)
    sensor.reload()
    contains(sensor.log(), 'no such file', 'the rules from before stay')
    wait_for('the rules', lambda: sensor.counter('rules') == 6)
    sensor.extra = ''
    sensor.configure()
    sensor.reload()
    wait_for('no rules', lambda: sensor.counter('rules') == 0)
    http(sensor, '/fresh')
    equal(sensor.restarts(), 0)
    sensor.stop()
    equal([r['sid'] for r in sensor.alerts() if r['sid'] != 1000003], [1000001, 1000009, 1000009])


def test_connections_during_reload():
    """Nobody waits for new rules: connections are accepted all the time."""
    sensor = Ruled().start()
    answers = []
    done = threading.Event()

    def ask():
        while not done.is_set():
            answers.append(http(sensor, '/cgi-bin/luci')[:5])
    asking = threading.Thread(target=ask)
    asking.start()
    for _ in range(3):
        sensor.reload()
    done.set()
    asking.join(90)
    sensor.stop()
    equal(set(answers), {b'HTTP/'})
    equal(sensor.sql('SELECT count(*) AS n FROM session')[0]['n'], len(answers))
    equal(sensor.sql('SELECT count(*) AS n FROM alert WHERE sid = 1000001')[0]['n'], len(answers))


def test_capture():
    """What no port answers is inspected by the capture, what one does by the responder: once."""
    if not ROOT:
        raise Skip('a capture needs root')
    sensor = Ruled(capture='capture: { interface: lo }\n').start()
    datagram(sensor, 5683, b'M-SEARCH * HTTP/1.1\r\n\r\n')
    datagram(sensor, 1901, b'M-SEARCH * HTTP/1.1\r\n\r\n')
    http(sensor, '/cgi-bin/luci')
    sensor.raised(2)
    sensor.raised(1, 'capture')
    sensor.write(RULES.replace('M-SEARCH";', 'M-SEARCH again";', 1))
    sensor.reload()
    datagram(sensor, 1902, b'M-SEARCH * HTTP/1.1\r\n\r\n')
    sensor.raised(1, 'capture')
    equal(sensor.restarts(), 0)
    sensor.stop()
    equal([(r['sid'], r['dport'], r['session'] != 0, r['msg']) for r in sensor.alerts()],
          [(1000001, 80, True, 'EXPLOIT cgi-bin luci'), (1000002, 1901, False, 'M-SEARCH'),
           (1000002, 1902, False, 'M-SEARCH again'), (1000002, 5683, True, 'M-SEARCH')])
    # No packet is lost or read twice by the change: the three datagrams and the connection.
    equal(sensor.sql('SELECT sum(packets) AS n FROM flow WHERE class = 0 AND proto = 17')[0]['n'],
          3)


def frame(payload):
    """A packet of SSH."""
    padding = 16 - (len(payload) + 5) % 8
    return struct.pack('>IB', len(payload) + 1 + padding, padding) + payload + bytes(padding)


def test_digests_in_the_capture():
    """Keywords that digest are computed where no file may be opened any more."""
    if not ROOT:
        raise Skip('a capture needs root')
    sensor = Ruled('alert ssh any any -> any any (msg:"a client"; ssh.hassh; '
                   'pcre:"/^[0-9a-f]{32}$/"; sid:1000001; rev:1;)\n'
                   'alert http any any -> any any (msg:"an URI"; http.uri; to_sha256; '
                   'bsize:32; sid:1000002; rev:1;)\n', capture='capture: { interface: lo }\n').start()
    names = b''.join(struct.pack('>I', len(name)) + name for name in (b'curve25519-sha256', *[b'none'] * 9))
    said = {2222: [b'SSH-2.0-Go\r\n', frame(b'\x14' + bytes(16) + names + bytes(5))],
            8000: [b'GET /a HTTP/1.0\r\n\r\n']}
    # Somebody else's services at an observed address.
    for port, parts in said.items():
        with socket.create_server((sensor.address, port)) as server, \
                socket.create_connection((sensor.address, port)) as s:
            there, _ = server.accept()
            with there:
                there.sendall(b'SSH-2.0-other\r\n' if port == 2222 else b'')
                for part in parts:
                    s.sendall(part)
                    there.recv(4096)
                if port != 2222:
                    there.sendall(b'HTTP/1.0 200 OK\r\n\r\n')
    sensor.raised(2, 'capture')
    equal(sensor.restarts(), 0)
    sensor.stop()
    equal([(r['sid'], r['dport']) for r in sensor.alerts()], [(1000001, 2222), (1000002, 8000)])


main(globals())
