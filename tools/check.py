#!/usr/bin/env python3
"""Runs every test: `make check`.

    tools/check.py [gcc] [clang] [sanitizers] [corpus]     only those parts; default: all

Three builds (gcc, clang, and clang with AddressSanitizer and UBSan), each with warnings as
errors, and their Meson tests; then, when the reference captures are there, the decoding of each
against its ground truth.  Every line of a TAP test counts as one; a build that fails counts as one
failure and its tests do not run.  The last line is always `N passed, N failed, N skipped`; the
status is 0 only when nothing failed and something passed.
"""
import json
import os
import re
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CORPUS = os.environ.get('TEITEN_CORPUS', os.path.join(ROOT, '..', 'shared', 'corpus'))
ERROR_LINES_MAX = 60
COMPARE_SECONDS_MAX = 600

# Name, folder, compiler, options of `meson setup`, options of `meson test`.
BUILDS = [
    ('gcc', 'build', 'gcc', [], []),
    ('clang', 'build-clang', 'clang', [], ['--suite', 'unit', '--suite', 'fuzz']),
    ('sanitizers', 'build-sanitizers', 'clang',
     ['-Dbuildtype=debugoptimized', '-Db_sanitize=address,undefined', '-Db_lundef=false'],
     ['--no-suite', 'house', '--no-suite', 'live', '--timeout-multiplier', '5']),
]
SANITIZER_ENV = {
    'ASAN_OPTIONS': 'abort_on_error=1:detect_stack_use_after_return=1',
    'UBSAN_OPTIONS': 'halt_on_error=1:abort_on_error=1:print_stacktrace=1',
}


class Sum:
    """What was counted so far."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.failures = []

    def add(self, passed=0, failed=0, skipped=0):
        self.passed += passed
        self.failed += failed
        self.skipped += skipped

    def fail(self, what):
        self.add(failed=1)
        self.failures.append(what)

    def line(self):
        return f'{self.passed} passed, {self.failed} failed, {self.skipped} skipped'


def say(text):
    print(text, flush=True)


def run(command, env=None, timeout=None):
    """Runs quietly; returns (status, output)."""
    try:
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, **(env or {})}, timeout=timeout,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    except subprocess.TimeoutExpired as late:
        return 124, (late.output or b'').decode('utf-8', 'replace') + '\ntook too long'
    except OSError as missing:
        return 127, str(missing)
    return done.returncode, done.stdout.decode('utf-8', 'replace')


def tail(text):
    lines = text.rstrip().splitlines()
    if len(lines) > ERROR_LINES_MAX:
        lines = ['…'] + lines[-ERROR_LINES_MAX:]
    return '\n'.join('    ' + line for line in lines)


def build(name, folder, compiler, options):
    """Returns True when it built."""
    if not os.path.exists(os.path.join(ROOT, folder, 'build.ninja')):
        status, text = run(['meson', 'setup', *options, folder], {'CC': compiler})
        if status:
            say(f'{name}: meson setup failed\n{tail(text)}')
            return False
    status, text = run(['ninja', '-C', folder])
    if status:
        # Ninja prints a failed command's output after FAILED:, Meson's own errors come before.
        at = min((text.find(word) for word in ('FAILED:', 'ERROR:') if word in text), default=-1)
        at = text.rfind('\n', 0, at) + 1 if at >= 0 else -1
        say(f'{name}: does not build\n{tail(text[at:] if at >= 0 else text)}')
    return status == 0


def count_test(entry, total, name):
    """Adds one Meson test, by its TAP lines where it has them."""
    text = entry.get('stdout') or ''
    passed = skipped = 0
    bad = []
    for ok, rest in re.findall(r'^(ok|not ok)\b(.*)$', text, re.M):
        if re.search(r'#\s*skip', rest, re.I):
            skipped += 1
        elif ok == 'ok':
            passed += 1
        else:
            bad.append(re.sub(r'^[\s\d-]+', '', rest))
    result = entry['result']
    failed = result not in ('OK', 'SKIP', 'EXPECTEDFAIL')
    total.add(passed, len(bad), skipped)
    if failed and not bad:
        bad = [result.lower()]
        total.add(failed=1)
    if not (passed or skipped or bad):
        total.add(passed=result != 'SKIP', skipped=result == 'SKIP')
    total.failures += [f'{name}: {entry["name"]}: {what}' for what in bad]
    if bad:
        say(f'{name}: {entry["name"]} failed ({result})\n'
            f'{tail(text + (entry.get("stderr") or ""))}')


def test(name, folder, options, env, total):
    log = os.path.join(ROOT, folder, 'meson-logs', 'testlog.json')
    if os.path.exists(log):
        os.unlink(log)
    status, text = run(['meson', 'test', '-C', folder, '--no-rebuild', *options], env)
    if not os.path.exists(log):
        if re.search(r'No (suitable )?tests', text):
            return
        total.fail(f'{name}: meson test did not run')
        say(tail(text))
        return
    before = total.failed
    with open(log, encoding='utf-8') as lines:
        for line in lines:
            count_test(json.loads(line), total, name)
    if status and total.failed == before:
        total.fail(f'{name}: meson test ended with {status}')
        say(tail(text))


# What is compared with the ground truth, what that is called, and how many percent must agree.
COMPARISONS = [('decode', 'decoding', '100'), ('facts', 'facts', '99')]


def compare(name, folder, env, total):
    """The reference captures, read by that build, against their ground truth."""
    teiten = os.path.join(ROOT, folder, 'teiten')
    if not os.path.exists(os.path.join(CORPUS, 'compare.py')):
        say(f'{name}: reference captures are not there: comparisons skipped')
        total.add(skipped=len(COMPARISONS))
        return
    script = os.path.join(CORPUS, 'compare.py')
    for what, title, minimum in COMPARISONS:
        status, text = run([sys.executable, script, teiten, CORPUS, what],
                           {'MIN': minimum, **env}, COMPARE_SECONDS_MAX)
        if status:
            total.fail(f'{name}: {title} of the reference captures: less than {minimum}% agree')
            say(tail(text))
        else:
            total.add(passed=1)
        lines = text.strip().splitlines()
        say(f'{name}: {title} of the reference captures: {lines[-1] if lines else "no output"}')


def main():
    known = [b[0] for b in BUILDS] + ['corpus']
    wanted = sys.argv[1:] or known
    for word in wanted:
        if word not in known:
            say(f'check: {word!r} is none of {", ".join(known)}')
            return 2
    total = Sum()
    start = time.monotonic()
    status = subprocess.run([os.path.join(ROOT, 'tools', 'deps.sh')], check=False).returncode
    if status:
        total.fail('deps: see above')
    built = []
    for name, folder, compiler, options, test_options in BUILDS:
        if status or name not in wanted:
            continue
        part = Sum()
        began = time.monotonic()
        env = SANITIZER_ENV if name == 'sanitizers' else {}
        say(f'{name}: building')
        if build(name, folder, compiler, options):
            part.add(passed=1)
            built.append((name, folder, env))
            took = time.monotonic() - began
            test(name, folder, test_options, env, part)
            say(f'{name}: {part.line()} (built in {took:.0f} s, '
                f'tested in {time.monotonic() - began - took:.0f} s)')
        else:
            part.fail(f'{name}: does not build')
        total.add(part.passed, part.failed, part.skipped)
        total.failures += part.failures
    if 'corpus' in wanted:
        for name, folder, env in built:
            if name != 'clang':
                compare(name, folder, env, total)
    for what in total.failures:
        say(f'FAILED {what}')
    say(f'{time.monotonic() - start:.0f} s')
    say(total.line())
    return 0 if total.passed and not total.failed else 1


if __name__ == '__main__':
    sys.exit(main())
