"""Real clients, where they are installed: one login or exchange each, then what was stored."""
import os
import re
import shutil
import socket
import ssl
import subprocess

from live import ROOT, Sensor, Skip, contains, equal, main, need, own_address, read_until

# As Debian 12 and 13 call it.
FREERDP = next((name for name in ('xfreerdp3', 'xfreerdp') if shutil.which(name)), 'xfreerdp3')
# Program, command (A address, P port + offset), what it tried: protocol, user, password or None.
CLIENTS = [
    (21, ['curl', '-s', '-m', '60', '-u', 'fu:fp', 'ftp://A:P/'], ('ftp', 'fu', 'fp')),
    (80, ['curl', '-s', '-m', '60', '-u', 'hu:hp', 'http://A:P/'], ('http', 'hu', 'hp')),
    (1883, ['mosquitto_pub', '-h', 'A', '-p', 'P', '-u', 'mu', '-P', 'mp', '-t', 'a', '-m', 'b'],
     ('mqtt', 'mu', 'mp')),
    (3306, ['mariadb', '--skip-ssl', '-h', 'A', '-P', 'P', '-u', 'dbu', '-pdbp', '-e', 'select 1'],
     ('mysql', 'dbu', None)),
    (5432, ['psql', 'postgresql://pgu:pgp@A:P/postgres', '-c', 'select 1'],
     ('postgresql', 'pgu', 'pgp')),
    (25, ['swaks', '--server', 'A', '--port', 'P', '--to', 'a@example.com', '--from',
          'b@example.net', '--auth', 'LOGIN', '--auth-user', 'su', '--auth-password', 'sp',
          '--timeout', '60'], ('smtp', 'su', 'sp')),
    (389, ['ldapsearch', '-x', '-H', 'ldap://A:P', '-D', 'cn=lu', '-w', 'lp', '-b', 'dc=x'],
     ('ldap', 'cn=lu', 'lp')),
    (445, ['smbclient', '-p', 'P', '-U', 'smbu%smbp', '//A/share', '-c', 'ls'],
     ('smb', 'smbu', None)),
]
EXCHANGES = [
    (6379, ['redis-cli', '-h', 'A', '-p', 'P', 'INFO'], 'redis'),
    (53, ['dig', '+time=10', '+tries=1', '@A', '-p', 'P', 'example.com', 'A'], 'dns'),
    (161, ['snmpget', '-v2c', '-c', 'public', '-r0', '-t5', 'A:P', '1.3.6.1.2.1.1.1.0'], 'snmp'),
    (5060, ['sipsak', '-s', 'sip:100@A:P'], 'sip'),
]


def run(sensor, port, words):
    words = [word.replace('A', sensor.address) if re.fullmatch(r'(@|\S*//)?A(:P)?\S*|\S*@A:P\S*',
                                                               word) else word for word in words]
    words = [word.replace(':P', f':{sensor.port(port)}') if word != 'P' else str(sensor.port(port))
             for word in words]
    # Most of them end with an error, as they should: the login is refused.
    try:
        subprocess.run(words, capture_output=True, timeout=90, check=False,
                       stdin=subprocess.DEVNULL, env=dict(os.environ, HOME='/nonexistent'))
    except subprocess.TimeoutExpired:
        pass


def there(program):
    try:
        need(program)
        return True
    except Skip:
        print(f'# {program} is not installed: left out')
        return False


def test_logins_and_exchanges():
    logins = [c for c in CLIENTS if there(c[1][0])]
    exchanges = [e for e in EXCHANGES if there(e[1][0])]
    if not logins + exchanges:
        raise Skip('no client is installed')
    sensor = Sensor().start()
    for port, words, _ in logins + exchanges:
        run(sensor, port, words)
    equal(sensor.restarts(), 0)
    sensor.stop()
    found = [(r['protocol'], r['user'], r['password'])
             for r in sensor.sql('SELECT protocol, "user", password FROM login')]
    missing = [want for _, _, want in logins
               if not any(f[:2] == want[:2] and want[2] in (None, f[2]) for f in found)]
    equal(missing, [])
    spoken = {r['protocol'] for r in sensor.sql('SELECT DISTINCT protocol FROM session')}
    equal([name for _, _, name in exchanges if name not in spoken], [])


# Over IPv6, and clients that want a screen or a terminal: (protocol, user, password), port, command.
MORE = [
    (('http', 'u6', 'p6'), 80, ['curl', '-s', '-m', '60', '-u', 'u6:p6', 'http://[A]:P/']),
    (('postgresql', 'u6', 'p6'), 5432, ['psql', 'postgresql://u6:p6@[A]:P/a', '-c', 'select 1']),
    (('mqtt', 'u6', 'p6'), 1883, ['mosquitto_pub', '-h', 'A', '-p', 'P', '-u', 'u6', '-P', 'p6',
                                  '-t', 'a', '-m', 'b']),
    (('mysql', 'u6', None), 3306, ['mariadb', '--skip-ssl', '-h', 'A', '-P', 'P', '-u', 'u6', '-pp6',
                                   '-e', '']),
    (('telnet', 'u6', 'p6'), 23, ['hydra', '-6', '-l', 'u6', '-p', 'p6', '-t', '1', '-I', '-s', 'P',
                                  'A', 'telnet']),
    (('snmp', '', 'six'), 161, ['snmpget', '-v2c', '-c', 'six', '-r0', '-t5', 'udp6:[A]:P',
                                '1.3.6.1.2.1.1.1.0']),
    (('ftp', 'uf', 'pf'), 21, ['ftp', '-n', '!open B P\nuser uf pf\nbye\n']),
    (('rdp', 'ur', 'pr'), 3389, ['xvfb-run', '-a', FREERDP, '/v:B:P', '/u:ur', '/p:pr',
                                 '/cert:ignore', '+auth-only']),
    # It reads the password from a terminal, and forgets what was typed before it asked.
    (('vnc', '', 'vncpass'), 5900, ['sh', '-c', '(for i in 1 2 3 4 5 6 7 8 9; do sleep 1.5; echo vncpass; done) | '
                                    'script -qec "gvnccapture B:S /dev/null" /dev/null']),
]


def test_more_clients():
    """A is the IPv6 address, B the IPv4 one, P the port, S the port as VNC numbers screens; what
    begins with ! is typed."""
    inner = {'sh': 'gvnccapture', 'xvfb-run': FREERDP}
    there_are = [m for m in MORE if there(m[2][0]) and there(inner.get(m[2][0], m[2][0]))]
    if not there_are:
        raise Skip('no client is installed')
    sensor = Sensor(address=own_address() + ', ::1', offset=21000).start()
    v4 = sensor.address.split(',', maxsplit=1)[0]
    for _, port, words in there_are:
        said = {'A': '::1', 'B': v4, 'P': str(sensor.port(port)), 'S': str(sensor.port(port) - 5900)}
        words = [word if re.match('-.$', word) else
                 re.sub(r'\b[ABPS]\b', lambda m, said=said: said[m.group()], word)
                 for word in words]
        typed = ''.join(word[1:] for word in words if word.startswith('!'))
        try:
            subprocess.run([w for w in words if not w.startswith('!')], input=typed.encode(),
                           capture_output=True, timeout=90, check=False,
                           env=dict(os.environ, HOME='/nonexistent'))
        except subprocess.TimeoutExpired:
            pass
    equal(sensor.restarts(), 0)
    sensor.stop()
    found = [(r['protocol'], r['user'], r['password'])
             for r in sensor.sql('SELECT protocol, "user", password FROM login')]
    equal([want for want, _, _ in there_are
           if not any(all(w in (None, f) for w, f in zip(want, row)) for row in found)], [])


# Port: what it greets with inside TLS; None: the client speaks first and gets HTTP.
INSIDE = {443: None, 8443: None, 80: None, 993: b'* OK', 995: b'+OK', 465: b'220 ', 990: b'220',
          23: b'ogin', 25: b'220 '}


def test_inside_tls():
    sensor = Sensor().start()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    for port, greeting in INSIDE.items():
        with sensor.connect(port) as plain, context.wrap_socket(plain) as s:
            if not greeting:
                s.sendall(b'GET /a HTTP/1.0\r\nAuthorization: Basic dTpw\r\n\r\n')
            contains(read_until(s, greeting or b'HTTP/1.').decode('latin-1'),
                     (greeting or b'HTTP/1.').decode())
    # Who does not speak TLS there gets no HTTP either.
    with sensor.connect(443) as s:
        s.sendall(b'GET / HTTP/1.0\r\n\r\n')
        s.settimeout(1)
        try:
            equal(s.recv(100), b'')
        except TimeoutError:
            pass
    sensor.stop()
    rows = sensor.sql("SELECT dport FROM login WHERE \"user\" = 'u' AND password = 'p' ORDER BY 1")
    equal([r['dport'] for r in rows], [80, 443, 8443])


# What more than one protocol begins with: the port decides after a moment.
FIRST_WORDS = [(6379, b'AUTH secret\r\n', b'-'), (23, b'user\r\n', b'ssword'), (21, b'USER a\r\n', b'331'),
               (25, b'NOOP\r\n', b'250'), (11211, b'verbosity 1\r\n', b'OK')]


def test_first_words():
    sensor = Sensor().start()
    for port, words, answer in FIRST_WORDS:
        with sensor.connect(port) as s:
            s.sendall(words)
            contains(read_until(s, answer), answer)
        with sensor.connect(port) as s: # who is done speaking is answered, too
            s.sendall(words)
            s.shutdown(socket.SHUT_WR)
            contains(read_until(s, answer), answer)
    sensor.stop()


NMAP = {21: 'ftp', 22: 'ssh', 23: 'telnet', 25: 'smtp', 53: 'domain', 110: 'pop3', 143: 'imap',
        389: 'ldap', 445: 'microsoft-ds|smb|netbios', 993: 'ssl/imap', 1883: 'mqtt', 3306: 'mysql',
        5432: 'postgresql', 5555: 'adb', 5900: 'vnc', 6379: 'redis', 11211: 'memcached',
        80: 'http', 8080: 'http', 443: 'http', 1433: 'ms-sql-s', 27017: 'mongodb'}


def test_nmap_names_the_services():
    need('nmap')
    if not ROOT:
        raise Skip('ports below 1024 are root\'s')
    sensor = Sensor().start()
    done = subprocess.run(
        ['nmap', '-Pn', '-n', '-sT', '-sV', '--version-light', '--host-timeout', '240s', '-p',
         ','.join(map(str, NMAP)), sensor.address], capture_output=True, text=True, timeout=250,
        check=False)
    wrong = []
    for port, names in NMAP.items():
        line = re.search(rf'^{port}/tcp.*$', done.stdout, re.M)
        # A name with a question mark is only nmap's guess from the port.
        words = line.group().split() if line else ['', '', '']
        if words[1] != 'open' or not re.fullmatch(f'(ssl/)?({names})\\S*', words[2]) \
                or words[2].endswith('?'):
            wrong.append(line.group() if line else f'{port}: nothing')
    sensor.stop()
    equal(wrong, [])


main(globals())
