#!/usr/bin/env python3
"""The house test: what the compiler cannot check and reviewers forget.

    tools/layers.py [BUILD [CC [DUCKDB]]]    TAP on stdout; without BUILD the names are skipped

    includes   #include lines go downwards only; some layers never see os/ or an I/O header
    sources    every .c file is listed in its meson.build, every fuzz target has a corpus
    headers    every header compiles alone
    banned     calls that docs/style.md forbids
    names      global symbols begin with the name of their layer or file, and none is there twice
    sql        questions stay in the subset that DuckDB and ClickHouse share
    text       no trailing blanks, no paths of somebody's machine
    size       warns (only) about files over 800 lines and lines over 100 columns
"""
import concurrent.futures
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FILE_LINES_MAX = 800
COLUMNS_MAX = 100
TAB = 8

# These compute: bytes, time and randomness come in as parameters, so their tests are exact.
PURE = {'decode', 'fingerprint', 'stream', 'protocol', 'tally', 'detect', 'report', 'publish',
        'simulate'}
IO_HEADERS = {
    'dirent.h', 'fcntl.h', 'netdb.h', 'poll.h', 'pthread.h', 'sched.h', 'signal.h', 'spawn.h',
    'sys/epoll.h', 'sys/file.h', 'sys/ioctl.h', 'sys/mman.h', 'sys/random.h', 'sys/socket.h',
    'sys/stat.h', 'sys/time.h', 'sys/wait.h', 'time.h', 'unistd.h',
}
BANNED = {
    'strcpy': 'buf_add or memcpy with a checked length', 'strcat': 'buf_add',
    'stpcpy': 'buf_add', 'strncpy': 'memcpy with a checked length', 'strncat': 'buf_add',
    'sprintf': 'snprintf or buf_printf', 'vsprintf': 'vsnprintf', 'strtok': 'strcspn or a reader',
    'gets': 'a bounded reader', 'scanf': 'a parser', 'sscanf': 'a parser', 'fscanf': 'a parser',
    'atoi': 'strtol with its errors checked', 'atol': 'strtol with its errors checked',
    'atoll': 'strtoll with its errors checked', 'atof': 'strtod with its errors checked',
    'rand': 'randomness as a parameter', 'srand': 'randomness as a parameter',
    'gmtime': 'base/civil.h', 'localtime': 'base/zone.h', 'mktime': 'base/zone.h',
    'ctime': 'base/civil.h', 'asctime': 'base/civil.h', 'inet_ntoa': 'base/ip.h',
    'inet_aton': 'base/ip.h', 'gethostbyname': 'nothing: Teiten asks no resolver',
    'getaddrinfo': 'nothing: Teiten asks no resolver', 'system': 'posix_spawn in os/',
    'popen': 'posix_spawn in os/', 'signal': 'sigaction in os/', 'alloca': 'a buffer with a limit',
    'setjmp': 'return codes', 'longjmp': 'return codes', 'tmpnam': 'mkstemp', 'mktemp': 'mkstemp',
}
PURE_BANNED = {name: 'nothing: this layer does no I/O and has no clock' for name in (
    'fopen', 'fread', 'fwrite', 'fputs', 'fputc', 'fprintf', 'printf', 'puts', 'putchar', 'perror',
    'clock', 'clock_gettime', 'gettimeofday', 'getenv', 'getrandom', 'arc4random', 'random')}
# Besides the names of the layer and of its files.
PREFIXES = {
    'base': ('err_', 'st_'),
    'cmd': ('commands',),
    'protocol': ('der_', 'spnego_'),
    # The parts of a rule set and of its matching.
    'detect': ('address_', 'candidates_', 'decode_event_', 'matcher_', 'ruleset_', 'xbits_'),
    # The little language in which sections are written (report/build.h).
    'report': ('fact_', 'grid_', 'lines_', 'measure_', 'section_', 'sentence', 'share_', 'value_'),
}
MACHINE = re.compile(r'(?<![\w.])/(?:work|root|home/\w+|Users/\w+)/|registry\.npm|deb\.debian\.org')
# No CTE, window function, LIMIT BY, QUALIFY or FILTER; published counts are uniqExact.
SQL_APART = re.compile(r'^\s*WITH\b|\bOVER\s*\(|\bQUALIFY\b|\bFILTER\s*\(|\bLIMIT\s+\d+\s+BY\b'
                       r'|\bcount\s*\(\s*DISTINCT\b|::\s*\w', re.I | re.M)
CODE_SUFFIXES = ('.c', '.h', '.def', '.py', '.sh', '.build')
TEXT_SUFFIXES = ('.c', '.h', '.def', '.py', '.sh', '.sql', '.md', '.scd', '.build', '.txt', '.json',
                 '.yaml', '.html', '.css', '.lock', 'Makefile', 'run')


def layers():
    """The list in src/meson.build, then the programs: cmd/ and daemon/, which see everything."""
    with open(os.path.join(ROOT, 'src', 'meson.build'), encoding='utf-8') as f:
        found = re.search(r'^layers = \[(.*?)\]', f.read(), re.S | re.M)
    return re.findall(r"'(\w+)'", found.group(1)) + ['cmd', 'daemon']


def files(folder, *suffixes):
    """Paths below a folder of the project, relative to it, sorted."""
    found = []
    for path, folders, names in os.walk(os.path.normpath(os.path.join(ROOT, folder))):
        folders[:] = [n for n in folders
                      if n not in ('.git', '__pycache__')
                      and not os.path.exists(os.path.join(path, n, 'meson-private'))
                      and not (path == ROOT and n in ('deps', 'demo', 'run', 'build-deb'))]
        found += [os.path.relpath(os.path.join(path, n), ROOT) for n in names
                  if not suffixes or n.endswith(suffixes)]
    return sorted(found)


def read(path):
    with open(os.path.join(ROOT, path), encoding='utf-8', errors='replace') as f:
        return f.read()


def code(path):
    """A C file with comments and strings blanked out; lines and columns stay."""
    def blank(match):
        return re.sub(r'[^\n]', ' ', match.group(0))
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank,
                  read(path), flags=re.S)


def line_of(text, position):
    return text.count('\n', 0, position) + 1


def check_includes():
    order = layers()
    for path in files('src', '.c', '.h', '.def'):
        parts = path.split(os.sep)
        if len(parts) < 3:
            yield f'{path}: a source file belongs to a layer (a folder of src/)'
            continue
        layer = parts[1]
        if layer not in order:
            yield f'{path}: {layer}/ is not in the list of src/meson.build'
            continue
        text = read(path)
        for match in re.finditer(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', text, re.M):
            at, name = f'{path}:{line_of(text, match.start())}', match.group(2)
            other = name.split('/')[0] if match.group(1) == '"' else None
            if other is not None and '/' not in name:
                yield f'{at}: "{name}" without its layer; write "{layer}/{name}"'
            elif {layer, other} == {'cmd', 'daemon'}:
                yield f'{at}: programs do not include each other: {name}'
            elif other in order and order.index(other) > order.index(layer):
                yield f'{at}: {layer}/ is below {other}/ and must not include {name}'
            elif layer in PURE and (other == 'os' or name in IO_HEADERS):
                yield f'{at}: {layer}/ does no I/O and must not include {name}'


def check_sources():
    # Programs of their own, in the root meson.build.
    made_apart = {'src/record/record-docs.c', 'src/protocol/protocol-docs.c'}
    for path in files('src', '.c'):
        listed = read(os.path.join(os.path.dirname(path), 'meson.build'))
        name = os.path.basename(path)
        if path not in made_apart and f"'{name}'" not in listed and f"'{name[:-2]}'" not in listed:
            yield f'{path}: not listed in the meson.build beside it'
    for kind, prefix in (('unit', 'test_'), ('fuzz', 'fuzz_')):
        for path in files(os.path.join('tests', kind), '.c'):
            folder, base = os.path.split(path)
            if not base.startswith(prefix):
                continue
            # One target for all protocols, each with its corpus; one of a program, in tests/meson.build.
            if base in ('fuzz_module.c', 'fuzz_wire.c'):
                continue
            build = os.path.join(folder, 'meson.build')
            name = base[len(prefix):-2]
            listed = read(build) if os.path.exists(os.path.join(ROOT, build)) else ''
            if f"'{name}'" not in listed and f"'{base}'" not in listed:
                yield f'{path}: {name!r} is not listed in {build}'
            if kind == 'fuzz' and not os.path.isdir(
                    os.path.join(ROOT, 'tests', 'fuzz', 'corpus', name)):
                yield f'{path}: has no corpus tests/fuzz/corpus/{name}/'


def check_headers(compiler, duckdb):
    def compile_alone(path):
        name = os.path.relpath(path, 'src')
        done = subprocess.run(
            [*compiler.split(), '-std=c17', '-D_GNU_SOURCE', '-DTEITEN_VERSION="0"', '-Wall',
             '-fsyntax-only', '-Isrc', '-isystem', duckdb, '-x', 'c', '-'],
            cwd=ROOT, input=f'#include "{name}"\n#include "{name}"\n', text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return f'{path}: does not compile alone:\n{done.stdout}' if done.returncode else None
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        yield from filter(None, pool.map(compile_alone, files('src', '.h')))


def check_banned():
    for path in files('src', '.c', '.h'):
        layer = path.split(os.sep)[1]
        banned = {**BANNED, **(PURE_BANNED if layer in PURE and not path.endswith('-docs.c') else {})}
        text = code(path)
        for match in re.finditer(r'(?<![\w.>])(\w+)[ \t]*\(', text):
            if text[match.end():].startswith(('SIGPIPE, SIG_IGN', 'SIGPIPE, SIG_DFL')):
                continue # the one use of signal() that POSIX leaves no doubt about
            if match.group(1) == 'fputs' and re.match(r'[^;]*, stderr\)', text[match.end():]):
                continue # the last words before abort()
            if match.group(1) in banned:
                yield (f'{path}:{line_of(text, match.start())}: {match.group(1)}() is banned; '
                       f'use {banned[match.group(1)]}')


def check_names(build):
    for layer in layers():
        stems = {os.path.basename(path).split('.')[0].replace('-', '_')
                 for path in files(os.path.join('src', layer), '.c', '.h')}
        parts = {part for stem in stems for part in stem.split('_') if len(part) > 2}
        words = stems | parts | {layer}
        words |= {word.rstrip('s') for word in words} | {f'{word}s' for word in words}
        prefixes = tuple(f'{word}_' for word in words) + PREFIXES.get(layer, ())
        objects = [path for path in (os.path.join(build, 'src', f'lib{layer}.a'),)
                   if os.path.exists(path)]
        if layer == 'cmd':
            folder = os.path.join(build, 'teiten.p')
            objects = [os.path.join(folder, name) for name in os.listdir(folder)
                       if name.startswith('src_cmd_') and name.endswith('.o')]
        if not objects:
            continue
        done = subprocess.run(['nm', '-g', '--defined-only', *objects], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
        for name in re.findall(r'^[0-9a-f]+ [TDBR] (\w+)$', done.stdout, re.M):
            if not name.startswith(prefixes) and name not in stems | {'main'}:
                yield f'src/{layer}/: global {name} begins neither with {layer}_ nor with its file'


def check_unique(build):
    """A linker takes whichever of two archives it meets first, and says nothing."""
    owners = {}
    for layer in layers():
        path = os.path.join(build, 'src', f'lib{layer}.a')
        if not os.path.exists(path):
            continue
        done = subprocess.run(['nm', '-g', '--defined-only', path], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
        for name in re.findall(r'^[0-9a-f]+ [TDBRC] (\w+)$', done.stdout, re.M):
            if name in owners:
                yield f'src/{layer}/: global {name} is also in src/{owners[name]}/'
            owners[name] = layer


def check_sql():
    for path in files('src', '.sql'):
        if os.path.basename(path) == 'macros.sql': # what teaches DuckDB ClickHouse's names
            continue
        text = re.sub(r"--[^\n]*|'[^'\n]*'", lambda m: ' ' * len(m.group(0)), read(path))
        for match in SQL_APART.finditer(text):
            yield f'{path}:{line_of(text, match.start())}: {match.group(0)!r} is not in the subset'


def check_text():
    for path in files('.', *TEXT_SUFFIXES):
        if path.startswith(os.path.join('tests', 'fuzz', 'corpus')) or path == 'tools/layers.py':
            continue
        text = read(path)
        for number, line in enumerate(text.split('\n'), 1):
            if MACHINE.search(line):
                yield f'{path}:{number}: names a path or host of one machine'
            if path.endswith(CODE_SUFFIXES) and line != line.rstrip():
                yield f'{path}:{number}: blanks at the end'


def size_warnings():
    for path in files('.', '.c', '.h', '.def', '.py', '.sh'):
        lines = read(path).split('\n')
        if len(lines) > FILE_LINES_MAX and not path.startswith('data'):
            yield f'{path}: {len(lines)} lines; a file over {FILE_LINES_MAX} is two files'
        for number, line in enumerate(lines, 1):
            if len(line.expandtabs(TAB)) > COLUMNS_MAX:
                yield f'{path}:{number}: {len(line.expandtabs(TAB))} columns'


def main():
    build = sys.argv[1] if len(sys.argv) > 1 else None
    compiler = sys.argv[2] if len(sys.argv) > 2 else 'cc'
    duckdb = sys.argv[3] if len(sys.argv) > 3 else os.path.join(ROOT, 'deps', 'duckdb')
    checks = [
        ('includes go downwards only', check_includes()),
        ('every source is listed', check_sources()),
        ('every header compiles alone', check_headers(compiler, duckdb)),
        ('no banned calls', check_banned()),
        ('global names carry their layer or file', check_names(build) if build else None),
        ('no global name twice', check_unique(build) if build else None),
        ('SQL stays in the common subset', check_sql()),
        ('no blanks at line ends, no machine paths', check_text()),
    ]
    print(f'1..{len(checks)}')
    failed = 0
    for number, (what, findings) in enumerate(checks, 1):
        if findings is None:
            print(f'ok {number} - {what} # SKIP no build folder given')
            continue
        found = list(findings)
        failed += bool(found)
        for line in found:
            print('\n'.join('# ' + part for part in line.rstrip().split('\n')))
        print(f'{"not ok" if found else "ok"} {number} - {what}')
    for warning in size_warnings():
        print(f'# warning: {warning}')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
