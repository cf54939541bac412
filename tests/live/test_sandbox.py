"""The workers' confinement: no start without it, no forbidden call under load, no mercy for a worker
that talks nonsense, and a disk that is full."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

from live import BUILD, FOLDER, ROOT, SOURCE, TEITEN, Sensor, Skip, contains, equal, \
    impostor_folder, is_sanitized, library_folder, main, need, telnet_login, teiten, wait_for

DENY = os.path.join(SOURCE, 'tests', 'live', 'deny.py')


def refused(what):
    sensor = Sensor(respond='protocols: { telnet: [23] }')
    done = subprocess.run([sys.executable, DENY, what, os.path.join(BUILD, 'teiten-sensor'), '-c',
                           sensor.config], capture_output=True, text=True, timeout=90, check=False)
    equal(done.returncode, 1)
    contains(done.stderr, 'cannot be confined')
    equal('ready\n' in done.stderr and 'again in' in done.stderr, False)


def test_no_start_without_seccomp():
    if is_sanitized():
        raise Skip('workers of the sanitizer build load no filter')
    refused('seccomp')


def test_no_start_when_landlock_is_refused():
    refused('landlock')


# ---- a worker that has become somebody else's ---------------------------------------------------

FAKE = '''#!{python}
import os, socket, time
{send}
time.sleep(60)
'''


def programs_with(name, send):
    """A folder with the sensor's programs, one of them an impostor."""
    return impostor_folder(name, ('teiten-sensor', 'teiten-store', 'teiten-respond', 'teiten-ssh'),
                           FAKE.format(python=sys.executable, send=send))


def impostor(send):
    folder = programs_with('teiten-respond', send)
    sensor = Sensor(respond='protocols: { telnet: [23], ssh: [22] }')
    sensor.prepare()
    with open(sensor.log_path, 'a', encoding='utf-8') as log:
        sensor.process = subprocess.Popen(
            [os.path.join(folder, 'teiten-sensor'), '-c', sensor.config], stdout=log, stderr=log,
            stdin=subprocess.DEVNULL, start_new_session=True,
            env=dict(os.environ, LD_LIBRARY_PATH=library_folder()))
    try:
        wait_for('its end', lambda: 'teiten-respond sent what no worker of ours sends: it is killed'
                 in sensor.log() and 'teiten-respond ended (signal 9)' in sensor.log())
        equal(sensor.process.poll(), None)
        workers = sensor.status()['workers']
        equal((workers['store']['restarts'], workers['ssh']['restarts']), (0, 0))
        sensor.stop()
        done = teiten('db', 'verify', '-s', sensor.store)
        equal(done.returncode, 0)
    finally:
        sensor.kill()


def test_nonsense_to_the_store():
    impostor("socket.socket(fileno=5).send(b'GIVE ME A SHELL')")


def test_rows_that_are_none():
    impostor("socket.socket(fileno=5).send(bytes.fromhex('45540100080000000304000000ffffff'))")


def test_nonsense_to_the_supervisor():
    impostor("socket.socket(fileno=4).send(b'A' * 5000)")


def test_what_is_not_its_business():
    # What the store alone may say: that it is ready, with no address at all.
    impostor("socket.socket(fileno=4).send(bytes.fromhex('455404000400000000000100'))")


# Nonsense the first time; the second time the real program.
ONCE = """
if os.path.exists('{flag}'):
    for fd in range(3, 64):
        try:
            os.set_inheritable(fd, True)
        except OSError:
            pass
    os.execv('{real}', ['teiten-respond', ''])
open('{flag}', 'w').close()
socket.socket(fileno=5).send(b'GIVE ME A SHELL')
"""


def test_the_successor_is_believed():
    real, flag = os.path.join(FOLDER, 'teiten-respond'), os.path.join(FOLDER, 'was-here')
    shutil.copy(os.path.join(BUILD, 'teiten-respond'), real)
    sensor = Sensor(respond='protocols: { telnet: [23] }')
    sensor.programs = programs_with('teiten-respond', ONCE.format(real=real, flag=flag))
    sensor.start()
    contains(sensor.log(), 'teiten-respond sent what no worker of ours sends: it is killed')
    for i in range(3):
        telnet_login(sensor, f'u{i}', 'p')
    wait_for('its rows', lambda: sensor.worker('store')['status']['rows'].get('login') == 3)
    equal(sensor.restarts(), 1)
    sensor.stop()
    equal(len(sensor.sql('SELECT * FROM login')), 3)


# ---- system calls -------------------------------------------------------------------------------

def allowed():
    """Program: the calls of confine.def."""
    names = {'respond': set(), 'capture': set(), 'ssh': set(), 'courier': set()}
    with open(os.path.join(SOURCE, 'src', 'os', 'confine.def'), encoding='ascii') as file:
        for call, *flags in re.findall(r'^CALL\((\w+), (\d), (\d), (\d), (\d)\)', file.read(), re.M):
            for program, flag in zip(names, flags):
                if flag == '1':
                    names[program].add(call)
    return names


def test_calls_under_load():
    need('strace')
    if not ROOT:
        raise Skip('tracing them is root\'s')
    if is_sanitized():
        raise Skip('sanitizers make calls of their own')
    sensor = Sensor(capture='capture: { interface: lo }\n').start()
    pids = sensor.pids()
    traces = {}
    for name in ('respond', 'ssh', 'capture'):
        out = os.path.join(sensor.folder, name + '.strace')
        traces[name] = (out, subprocess.Popen(['strace', '-f', '-qq', '-o', out, '-p',
                                               str(pids[name])], stderr=subprocess.DEVNULL))
    wait_for('strace', lambda: all(os.path.exists(out) and os.path.getsize(out)
                                   for out, _ in traces.values()))
    for i in range(60):
        telnet_login(sensor, f'u{i}', 'p')
        with sensor.connect(22) as s:
            s.recv(100)
            s.sendall(b'SSH-2.0-x\r\n')
            s.recv(2000)
        with sensor.connect((80, 443, 6379, 3306, 445)[i % 5]) as s:
            s.sendall(b'GET / HTTP/1.0\r\n\r\n')
    time.sleep(1.5)
    equal(sensor.restarts(), 0)
    sensor.stop()
    may = allowed()
    for name, (out, tracer) in traces.items():
        tracer.wait(60)
        with open(out, encoding='utf-8', errors='replace') as file:
            calls = {m.group(1) for m in re.finditer(r'^\d+ +(\w+)\(', file.read(), re.M)}
        print(f'# {name}: {" ".join(sorted(calls))}')
        if len(calls) < 5:
            raise AssertionError(f'{name}: nothing was traced')
        equal(calls - may[name] - {'newfstatat'}, set())
        equal(calls & {'open', 'openat', 'socket', 'connect', 'bind', 'execve', 'clone', 'clone3',
                       'fork', 'ptrace'}, set())


# ---- a full disk --------------------------------------------------------------------------------

LEFT = 300 << 10


class Elsewhere(Sensor):
    """A sensor whose store is on a small disk in a mount namespace."""

    def __init__(self, megabytes, **options):
        super().__init__(**options)
        os.mkdir(self.store)
        self.holder = subprocess.Popen(
            ['unshare', '-m', 'sh', '-c', f'mount -t tmpfs -o size={megabytes}m,mode=755 none '
             f'{self.store} && echo there && exec sleep 300'], stdout=subprocess.PIPE, text=True,
            stderr=subprocess.PIPE)
        if self.holder.stdout.readline() != 'there\n':
            raise Skip(f'no mount namespaces here: {self.holder.stderr.read().strip()}')
        self.prefix = ['nsenter', '-t', str(self.holder.pid), '-m']
        self.inside = self.store
        self.store = f'/proc/{self.holder.pid}/root{self.store}'

    def ask(self, *words):
        done = subprocess.run([*self.prefix, TEITEN, *words, '-s', self.inside], check=False,
                              capture_output=True, text=True, timeout=60)
        equal(done.returncode, 0)
        return done.stdout

    def close(self):
        self.kill()
        self.holder.kill()
        self.holder.wait()


def fill(path, left):
    space = os.statvfs(os.path.dirname(path))
    with open(path, 'wb') as file:
        file.write(b'\0' * (space.f_bavail * space.f_frsize - left))


def test_full_disk():
    need('unshare')
    need('nsenter')
    if not ROOT:
        raise Skip('mount namespaces are root\'s')
    sensor = Elsewhere(40, respond='protocols: { telnet: [23], http: [80] }')
    try:
        full_disk(sensor.start())
    finally:
        sensor.close()


def full_disk(sensor):
    pids = sensor.pids()
    telnet_login(sensor, 'before', 'pw')
    time.sleep(2.5) # it is in a segment
    ballast = os.path.join(sensor.store, 'ballast')
    # Somebody else fills the disk all but a rest, at once.
    fill(ballast, LEFT)
    wait_for('it is said', lambda: 'the disk is full' in sensor.log())
    for i in range(50):
        telnet_login(sensor, f'full{i}', 'pw')
        with sensor.connect(80) as s:
            s.sendall(b'POST / HTTP/1.0\r\nContent-Length: 4000\r\n\r\n' + os.urandom(4000))
            s.recv(100)
    wait_for('rows are left out', lambda: sensor.worker('store')['status']['left_out'] > 50)
    os.remove(ballast)
    wait_for('there is room', lambda: 'there is room on the disk again' in sensor.log())
    for i in range(5):
        telnet_login(sensor, f'after{i}', 'pw')
    equal(sensor.pids(), pids)
    equal(sensor.restarts(), 0)
    sensor.stop()
    names = [r['user'] for r in json.loads(sensor.ask('sql', '--json',
                                                      'SELECT "user" FROM login'))]
    equal(len(names), len(set(names)))
    equal({'before', *(f'after{i}' for i in range(5))} - set(names), set())
    sensor.ask('db', 'verify')


def test_disk_full_at_once():
    need('unshare')
    need('nsenter')
    if not ROOT:
        raise Skip('mount namespaces are root\'s')
    sensor = Elsewhere(16, respond='protocols: { telnet: [23] }')
    try:
        full_at_once(sensor.start())
    finally:
        sensor.close()


def full_at_once(sensor):
    """Not a page is left from one write to the next; the store dies and begins again meanwhile."""
    store = sensor.worker('store')['pid']
    before = [f'before{i}' for i in range(8)]
    for user in before: # without a pause: they stay in the journal
        telnet_login(sensor, user, 'pw')
        time.sleep(0.2)
    wait_for('the rows', lambda: sensor.worker('store')['status']['rows'].get('login') == 8)
    ballast = os.path.join(sensor.store, 'ballast')
    os.kill(store, signal.SIGSTOP)
    fill(ballast, 0)
    for i in range(60): # more than the journal's last page has room for
        telnet_login(sensor, f'during{i}', 'pw')
    os.kill(store, signal.SIGCONT)
    wait_for('it is said', lambda: 'the disk is full' in sensor.log())
    equal((sensor.worker('store')['pid'], sensor.restarts()), (store, 0))
    os.kill(store, signal.SIGKILL)
    # On such a disk it cannot even begin.
    wait_for('it waits', lambda: 'the disk is full: what comes waits' in
             sensor.log().rsplit('teiten-store ended', 1)[-1])
    telnet_login(sensor, 'waits', 'pw')
    os.remove(ballast)
    wait_for('there is room', lambda: sensor.worker('store')['status']['disk'] == 'enough')
    telnet_login(sensor, 'after', 'pw')
    sensor.settle('login')
    equal(sensor.restarts(), 1)
    sensor.stop()
    names = [r['user'] for r in json.loads(sensor.ask('sql', '--json',
                                                      'SELECT "user" FROM login'))]
    equal(len(names), len(set(names)))
    equal({*before, 'waits', 'after'} - set(names), set())
    sensor.ask('db', 'verify')


main(globals())
