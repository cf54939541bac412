"""Every installation is named by nmap as what it pretends to be.

A port scanner with a list of products tells an invented greeting from a real one.  What servers
greet with, or answer to the probe that nmap sends to their port, is held against nmap's patterns,
for as many made-up installations as it takes to hear every line of data/personas/.  Without nmap the
test is skipped.
"""
import os
import re
import subprocess
import sys

SAY, SOURCE = sys.argv[1:3]
PROBES = ('/usr/share/nmap/nmap-service-probes', '/usr/local/share/nmap/nmap-service-probes')
NUMBERS = 400

# Module: port, nmap's probe (or several in its order, the first that is known counts), what nmap calls
# it.
SERVERS = {'ftp': (21, 'NULL', 'ftp'), 'ssh': (22, 'NULL', 'ssh'), 'telnet': (23, 'NULL', 'telnet'),
           'smtp': (25, 'NULL', 'smtp'), 'pop3': (110, 'NULL', 'pop3'),
           'imap': (143, 'NULL', 'imap'), 'mysql': (3306, 'NULL', 'mysql'),
           'vnc': (5900, 'NULL', 'vnc'), 'http': (80, 'GetRequest', 'http'),
           'mssql': (1433, 'ms-sql-s', 'ms-sql-s'),
           'mongodb': (27017, 'mongodb', 'mongodb'),
           'postgresql': (5432, ('GenericLines', 'GetRequest', 'SMBProgNeg'), 'postgresql'),
           'redis': (6379, ('redis-server', 'GenericLines', 'GetRequest'), 'redis')}
# Keys whose lines are each heard: a whole greeting, or its beginning, is the first phrase.
LINES = {'ftp': 'ftp.dialogue', 'smtp': 'smtp.dialogue', 'pop3': 'pop3.dialogue',
         'imap': 'imap.dialogue', 'ssh': 'ssh.server', 'vnc': 'vnc.version',
         'mysql': 'mysql.version', 'telnet': 'telnet.login'}


class Probe:
    def __init__(self, name, request=b''):
        self.name, self.request, self.fallback, self.patterns = name, request, [], []


def read_probes(path):
    """nmap's probes of TCP with their patterns, in its order; patterns that Python cannot read are
    left out."""
    probes, probe = {}, Probe('')
    with open(path, encoding='latin-1') as file:
        for line in file:
            if begin := re.match(r'Probe (TCP|UDP) (\S+) q(.)', line):
                text = line[begin.end():].split(begin.group(3))[0]
                probe = Probe(begin.group(2), text.encode('latin-1').decode('unicode_escape')
                              .encode('latin-1'))
                if begin.group(1) == 'TCP':
                    probes[probe.name] = probe
            elif line.startswith('fallback '):
                probe.fallback = line.split()[1].split(',')
            elif match := re.match(r'(?:soft)?match (\S+) m(.)', line):
                pattern, _, rest = line[match.end():].partition(match.group(2))
                flags = rest.split(' ')[0]
                try:
                    probe.patterns.append((match.group(1), re.compile(
                        pattern.encode('latin-1'), (re.I if 'i' in flags else 0)
                        | (re.S if 's' in flags else 0))))
                except re.error:
                    pass
    return probes


def name_of(probes, name, reply):
    """What nmap makes of a reply to that probe."""
    for each in (name, *probes[name].fallback, 'NULL'):
        for service, pattern in probes[each].patterns:
            if pattern.search(reply):
                return service
    return None


def lines_of(key):
    """What each line of a key begins with, as a pattern of the greeting."""
    path = os.path.join(SOURCE, 'data', 'personas', key.split('.')[0] + '.txt')
    lines, inside = [], False
    with open(path, encoding='utf-8') as file:
        for line in file:
            if line[0] not in '\t #\n':
                inside = line.strip() == key
            elif inside and line[0] == '\t':
                text = re.sub(r'^(linux|windows|router|camera): *', '', line.strip('\t\n'))
                text = re.escape(text.split('\\n')[0].split('|')[0])
                text = re.sub(r'\\{[^}]*\\}', '.*', text).replace(r'\\x20', ' ')
                lines.append(text.encode())
    return lines


def ask(module, port, request):
    """What each installation replies."""
    asked = ''.join(f'{number} {module} {port} {request.hex() or "-"}\n'
                    for number in range(NUMBERS))
    done = subprocess.run([SAY], input=asked, capture_output=True, text=True, check=True)
    return [bytes.fromhex(line) for line in done.stdout.replace('-', '').splitlines()]


def check(probes, module):
    """What is wrong with one protocol's replies."""
    port, names, service = SERVERS[module]
    names = (names,) if isinstance(names, str) else names
    replies = sorted(set(zip(*(ask(module, port, probes[name].request) for name in names))))
    wrong = []
    for each in replies:
        known = [name_of(probes, name, reply) for name, reply in zip(names, each) if reply]
        name = next(filter(None, known), None)
        if name != service:
            wrong.append(f'{each!r} is {name} to nmap')
    for line in lines_of(LINES[module]) if module in LINES else ():
        if not any(re.search(line, reply) for each in replies for reply in each):
            wrong.append(f'no installation of {NUMBERS} says {line!r}')
    return wrong


def main():
    path = next((p for p in PROBES if os.path.exists(p)), None)
    print(f'1..{len(SERVERS)}')
    probes = read_probes(path) if path else {}
    failed = 0
    for number, module in enumerate(SERVERS, 1):
        if not path:
            print(f'ok {number} {module} # SKIP nmap is not installed')
            continue
        wrong = check(probes, module)
        failed += bool(wrong)
        print(f'{"not " if wrong else ""}ok {number} {module}')
        for line in wrong:
            print('# ' + line)
    return 1 if failed else 0


sys.exit(main())
