"""What the tests of the live sensor share: start one on a loopback address of its own, ask it, end
it, read what it stored.

Each test file is a program: `test_NAME.py BUILD-FOLDER`.  Functions named test_* run in order and
are reported as TAP; one that raises Skip says why it was not run.  Traffic goes to 127.0.0.0/8, ::1
and to network namespaces made here, nowhere else.
"""
import atexit
import fcntl
import hashlib
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback

BUILD = os.path.abspath(sys.argv[1])
SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TEITEN = os.path.join(BUILD, 'teiten')
# How long anything that must happen may take.  It is no measurement: a test goes on as soon as it has
# happened, and a machine that does much else at the same time is no failure of ours.
PATIENCE_S = 90
ROOT = os.geteuid() == 0

# What an installation seems to be is chosen by a seed.  Here it is always the same for a test, so that
# none fails by luck; another one is tried with TEITEN_PERSONA_SEED=anything.
TEST = os.path.splitext(os.path.basename(sys.argv[0]))[0]
PERSONA_SEED = os.environ.get('TEITEN_PERSONA_SEED', '')

FOLDER = tempfile.mkdtemp(prefix='teiten-live-')
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)


class Skip(Exception):
    pass


def need(program):
    if not shutil.which(program, path=os.environ['PATH'] + ':/usr/sbin:/sbin'):
        raise Skip(f'{program} is not installed')


def raise_descriptors(wanted):
    """As many as the limits allow; root may also lift the hard limit.  What there is now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if ROOT and hard < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
            hard = wanted
        except (OSError, ValueError):
            pass
    soft = min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return soft


def equal(found, expected):
    if found != expected:
        raise AssertionError(f'found    {found!r}\nexpected {expected!r}')


def contains(text, *parts):
    for part in parts:
        if part not in text:
            raise AssertionError(f'{part!r} is not in\n{text[:4000]}')


def wait_for(what, condition, seconds=PATIENCE_S):
    """Until the condition holds.  A status that has not come or lacks what was asked for (a worker
    just begun, nothing counted yet) is not there yet."""
    end = time.monotonic() + seconds
    missing = ''
    while time.monotonic() < end:
        try:
            value = condition()
        except (KeyError, TypeError) as e:
            value = None
            missing = f' ({e!r})'
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f'{what}: not within {seconds} s{missing}')


def teiten(*words, check=True):
    done = subprocess.run([TEITEN, *words], capture_output=True, text=True, timeout=PATIENCE_S,
                          check=False, env=dict(os.environ, LC_ALL='C.UTF-8'))
    if check and done.returncode != 0:
        raise AssertionError(f'teiten {" ".join(words)}: {done.returncode} {done.stderr}')
    return done


ADDRESSES = [] # locked files, held until the end


def lock_folder():
    folder = os.path.join(tempfile.gettempdir(), f'teiten-live-addresses-{os.geteuid()}')
    os.makedirs(folder, exist_ok=True)
    return folder


def have_ipv6():
    """There is one loopback address of IPv6 only: waits until no other test has it, and keeps it."""
    path = os.path.join(lock_folder(), '::1')
    if path not in [file.name for file in ADDRESSES]:
        file = open(path, 'w', encoding='ascii')
        fcntl.flock(file, fcntl.LOCK_EX)
        ADDRESSES.append(file)


def own_address(last=1):
    """A loopback address where nobody else listens, so that tests can run at the same time: each
    has its lock, which ends with the process that holds it."""
    folder = lock_folder()
    for number in range(16 * 250):
        address = f'127.{number // 250 + 16}.{number % 250 + 1}'
        file = open(os.path.join(folder, address), 'w', encoding='ascii')
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            continue
        ADDRESSES.append(file)
        return f'{address}.{last}'
    raise AssertionError(f'no free address by {folder}')


class Sensor:
    """A running teiten-sensor in a process group of its own."""
    count = 0

    def __init__(self, extra='', respond='', address=None, prefix=(), capture='', offset=None):
        Sensor.count += 1
        self.number = Sensor.count
        self.folder = os.path.join(FOLDER, f's{self.number}')
        self.store = os.path.join(self.folder, 'store')
        os.makedirs(self.folder)
        self.address = address or own_address()
        if '::1' in self.address.split(', '):
            have_ipv6()
        self.offset = (0 if ROOT else 20000) if offset is None else offset
        self.config = os.path.join(self.folder, 'teiten.yaml')
        self.extra, self.respond, self.capture = extra, respond, capture
        self.prefix = list(prefix)
        self.process = None
        self.programs = BUILD
        self.log_path = os.path.join(self.folder, 'log')
        self.configure()

    def configure(self, more=''):
        nets = ', '.join(f"'{a.strip()}'" for a in self.address.split(','))
        with open(self.config, 'w', encoding='utf-8') as file:
            file.write(f'sensor: {{ name: live, addresses: [{nets}] }}\n'
                       f'store: {{ path: {self.store} }}\n'
                       f'respond: {{ port_offset: {self.offset}, greeting_wait_ms: 20'
                       f'{", " + self.respond if self.respond else ""} }}\n'
                       f'{self.capture}{self.extra}{more}')

    def prepare(self):
        """Makes the store with the seed of its identity, unless it has one."""
        os.makedirs(self.store, exist_ok=True)
        path = os.path.join(self.store, 'persona')
        if not os.path.exists(path):
            seed = hashlib.sha256(f'{TEST} {self.number} {PERSONA_SEED}'.encode()).hexdigest()
            with open(path, 'w', encoding='ascii') as file:
                file.write(f'seed\t{seed}\n')

    def start(self):
        self.prepare()
        seen = self.log().count('teiten-sensor: ready\n')
        with open(self.log_path, 'a', encoding='utf-8') as log:
            self.process = subprocess.Popen(
                self.prefix + [os.path.join(self.programs, 'teiten-sensor'), '-c', self.config],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env=os.environ if self.programs == BUILD
                else dict(os.environ, LD_LIBRARY_PATH=library_folder()))
        atexit.register(self.kill)
        try:
            wait_for('ready', lambda: self.process.poll() is not None
                     or self.log().count('teiten-sensor: ready\n') > seen, PATIENCE_S)
            if self.process.poll() is not None:
                raise AssertionError('it ended')
            wait_for('workers', lambda: self.up(), PATIENCE_S)
        except AssertionError as difference:
            raise AssertionError(f'{difference}\n{self.log()}') from None
        return self

    def up(self):
        """Every worker that is wanted has told what it does."""
        workers = self.status().get('workers', {})
        return workers and all(w['status'] and w['pid'] for w in workers.values() if w['wanted'])

    def log(self):
        if not os.path.exists(self.log_path):
            return ''
        with open(self.log_path, encoding='utf-8', errors='replace') as file:
            return file.read()

    def control(self, line):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(PATIENCE_S)
        s.connect(os.path.join(self.store, 'sensor.sock'))
        s.sendall(line)
        return s

    def tail(self):
        """The live view as a list that grows until the sensor ends, and the thread that reads it.
        Whatever happens from now on is in it."""
        lines = []
        view = self.control(b'tail\n')
        view.settimeout(None)

        def listen():
            with view:
                try:
                    for line in view.makefile():
                        lines.append(json.loads(line))
                except OSError:
                    pass
        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        wait_for('the live view', lambda: self.worker('store')['status']['watched'])
        return lines, thread

    def status(self):
        try:
            with self.control(b'status\n') as s:
                text = b''
                while part := s.recv(65536):
                    text += part
        except OSError:
            return {}
        return json.loads(text)

    def worker(self, name):
        return self.status()['workers'][name]

    def counter(self, name, worker='respond'):
        return self.worker(worker)['status'][name]

    def pids(self):
        found = {name: worker['pid'] for name, worker in self.status()['workers'].items()
                 if worker['pid']}
        found['sensor'] = self.process.pid
        return found

    def restarts(self):
        return sum(worker['restarts'] for worker in self.status()['workers'].values())

    def settle(self, table='session'):
        """Waits until the store's count of rows stands still; returns it."""
        last = [-1, 0.0]

        def still():
            now = (self.worker('store')['status'] or {}).get('rows', {}).get(table, 0)
            if now != last[0]:
                last[:] = [now, time.monotonic()]
            return time.monotonic() - last[1] > 1.5
        wait_for('a quiet store', still)
        return last[0]

    def stop(self, seconds=PATIENCE_S):
        """A clean end; its exit status."""
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f'it does not end\n{self.log()}') from None
        equal(status, 0)
        return self

    def kill(self):
        """Power loss: everything of it dies at once."""
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def port(self, number):
        return number + self.offset

    def connect(self, port, timeout=PATIENCE_S):
        return socket.create_connection((self.address, self.port(port)), timeout)

    def sql(self, query):
        return json.loads(teiten('sql', '-s', self.store, '--json', query).stdout)


def read_until(sock, word, seconds=PATIENCE_S):
    data = b''
    sock.settimeout(seconds)
    while word not in data:
        part = sock.recv(4096)
        if not part:
            break
        data += part
    return data


def telnet_login(sensor, user, password, port=23):
    with sensor.connect(port) as s:
        contains(read_until(s, b'ogin').lower(), b'ogin')
        s.sendall(user.encode() + b'\r\n')
        contains(read_until(s, b'assword'), b'assword')
        s.sendall(password.encode() + b'\r\n')
        return s.recv(4096)


def memory_kb(pid, field='Pss'):
    """Of a process: Pss counts shared pages once among those who share them."""
    with open(f'/proc/{pid}/smaps_rollup', encoding='ascii') as file:
        for line in file:
            if line.startswith(field + ':'):
                return int(line.split()[1])
    return 0


def library_folder():
    out = subprocess.run(['ldd', os.path.join(BUILD, 'teiten-store')], capture_output=True,
                         text=True, check=False).stdout
    found = re.search(r'libduckdb\.so => (\S+)', out)
    return os.path.dirname(found.group(1)) if found else ''


def impostor_folder(name, programs, text):
    """A folder with these programs of the sensor's, and a script in the place of one of them."""
    folder = os.path.join(FOLDER, 'impostor-' + name)
    shutil.rmtree(folder, ignore_errors=True)
    os.mkdir(folder)
    for program in programs:
        shutil.copy(os.path.join(BUILD, program), folder)
    path = os.path.join(folder, name)
    with open(path, 'w', encoding='ascii') as file:
        file.write(text)
    os.chmod(path, 0o755)
    return folder


def is_sanitized():
    with open(os.path.join(BUILD, 'teiten-respond'), 'rb') as file:
        return b'__asan_init' in file.read()


def cpu_seconds(pid):
    with open(f'/proc/{pid}/stat', encoding='ascii') as file:
        words = file.read().rsplit(')', 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf('SC_CLK_TCK')


def descriptors(pid):
    return len(os.listdir(f'/proc/{pid}/fd'))


def main(names):
    tests = [(name, f) for name, f in names.items() if name.startswith('test_')]
    only = sys.argv[2:]
    tests = [t for t in tests if not only or t[0] in only]
    print(f'1..{len(tests)}', flush=True)
    failed = 0
    for number, (name, function) in enumerate(tests, 1):
        begun = time.monotonic()
        try:
            function()
            print(f'ok {number} {name}')
        except Skip as reason:
            print(f'ok {number} {name} # SKIP {reason}')
        except Exception as difference: # one broken test does not hide the others
            failed += 1
            print(f'not ok {number} {name}')
            text = str(difference) if isinstance(difference, AssertionError) \
                else traceback.format_exc()
            for line in text.splitlines():
                print('# ' + line)
        print(f'# {time.monotonic() - begun:.1f} s', flush=True)
    sys.exit(1 if failed else 0)
