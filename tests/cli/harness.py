"""What the CLI tests share: run a program as a person would, compare, say what differs.

Each test file is a program: `test_NAME.py BUILD-FOLDER`.  Functions named test_* run in order; the
first difference ends that function, and the exit status says whether all of them passed.
"""
import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
import traceback

BUILD = os.path.abspath(sys.argv[1])
SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TEITEN = os.path.join(BUILD, 'teiten')

FOLDER = tempfile.mkdtemp(prefix='teiten-cli-')
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)

OK, FAILED, USAGE, FINDINGS, NOT_FOUND = range(5)


def path(*names):
    return os.path.join(FOLDER, *names)


def write(name, text):
    with open(path(name), 'wb' if isinstance(text, bytes) else 'w') as f:
        f.write(text)
    return path(name)


def read(name):
    with open(path(name), encoding='utf-8') as f:
        return f.read()


class Result:
    def __init__(self, done):
        self.status = done.returncode
        self.out = done.stdout.decode()
        self.err = done.stderr.decode()

    def json(self):
        return json.loads(self.out)


def teiten(*words, status=OK, stdin=b'', env=None, cwd=None):
    """Runs teiten in English, without configuration of this machine; checks the exit status
    (one, or any of a tuple)."""
    environment = {'PATH': os.environ['PATH'], 'LC_ALL': 'C.UTF-8', 'TMPDIR': FOLDER}
    for name in ('ASAN_OPTIONS', 'UBSAN_OPTIONS', 'LSAN_OPTIONS'):
        if name in os.environ:
            environment[name] = os.environ[name]
    environment.update(env or {})
    done = subprocess.run([TEITEN, *words], input=stdin, env=environment, cwd=cwd,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=100)
    result = Result(done)
    if result.status not in (status if isinstance(status, tuple) else (status,)):
        raise AssertionError(f'teiten {" ".join(words)}: exit {result.status}, not {status}\n'
                             f'{result.out}{result.err}')
    return result


def equal(found, expected):
    if found != expected:
        raise AssertionError(f'found    {found!r}\nexpected {expected!r}')


def contains(text, *parts):
    for part in parts:
        if part not in text:
            raise AssertionError(f'{part!r} is not in\n{text[:2000]}')


def near(found, expected):
    if abs(found - expected) > 1e-9 * max(1, abs(expected)):
        raise AssertionError(f'found {found!r}, expected {expected!r}')


def make_store(name, *words):
    subprocess.run([os.path.join(BUILD, 'tests', 'cli', 'make-store'), path(name), *words],
                   check=True)
    return path(name)


def main(names):
    failed = 0
    for name, function in list(names.items()):
        if not name.startswith('test_'):
            continue
        try:
            function()
            print('ok', name)
        except Exception as difference: # one broken test does not hide the others
            failed += 1
            print('not ok', name)
            if not isinstance(difference, AssertionError):
                traceback.print_exc(file=sys.stdout)
            print(difference)
    sys.exit(1 if failed else 0)
