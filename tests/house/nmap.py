"""Every installation is named by nmap as what it pretends to be.

A port scanner with a list of products tells an invented greeting from a real one.  What the
protocols where the server speaks first say is held against the patterns of nmap's NULL probe, for as
many made-up installations as it takes to hear every line of data/personas/.  Without nmap the test
is skipped.
"""
import os
import re
import subprocess
import sys

SAY, SOURCE = sys.argv[1:3]
PROBES = ('/usr/share/nmap/nmap-service-probes', '/usr/local/share/nmap/nmap-service-probes')
NUMBERS = 400

# Module: port, what nmap calls it.
SERVERS = {'ftp': (21, 'ftp'), 'ssh': (22, 'ssh'), 'telnet': (23, 'telnet'), 'smtp': (25, 'smtp'),
           'pop3': (110, 'pop3'), 'imap': (143, 'imap'), 'mysql': (3306, 'mysql'),
           'vnc': (5900, 'vnc')}
# Keys with one whole greeting, or its beginning, in the first phrase of each line.
LINES = {'ftp': 'ftp.dialogue', 'smtp': 'smtp.dialogue', 'pop3': 'pop3.dialogue',
         'imap': 'imap.dialogue', 'ssh': 'ssh.server', 'vnc': 'vnc.version',
         'mysql': 'mysql.version', 'telnet': 'telnet.login'}


def patterns(path):
    """(service, pattern) of the NULL probe, in nmap's order; those that Python cannot read are
    left out."""
    found = []
    probe = None
    with open(path, encoding='latin-1') as file:
        for line in file:
            if line.startswith('Probe '):
                probe = line.split()[2]
            match = re.match(r'(?:soft)?match (\S+) m(.)', line)
            if not match or probe != 'NULL':
                continue
            pattern, _, rest = line[match.end():].partition(match.group(2))
            flags = (re.I if 'i' in rest.split(' ')[0] else 0) \
                | (re.S if 's' in rest.split(' ')[0] else 0)
            try:
                found.append((match.group(1), re.compile(pattern.encode('latin-1'), flags)))
            except re.error:
                pass
    return found


def name_of(found, reply):
    return next((service for service, pattern in found if pattern.search(reply)), None)


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


def ask(module, port):
    asked = ''.join(f'{number} {module} {port} -\n' for number in range(NUMBERS))
    done = subprocess.run([SAY], input=asked, capture_output=True, text=True, check=True)
    return sorted({bytes.fromhex(line) for line in done.stdout.split()})


def check(found, module):
    """What is wrong with one protocol's greetings."""
    port, service = SERVERS[module]
    greetings = ask(module, port)
    wrong = []
    for greeting in greetings:
        name = name_of(found, greeting)
        if name != service:
            wrong.append(f'{greeting!r} is {name} to nmap')
    for line in lines_of(LINES[module]):
        if not any(re.search(line, greeting) for greeting in greetings):
            wrong.append(f'no installation of {NUMBERS} says {line!r}')
    return wrong


def main():
    path = next((p for p in PROBES if os.path.exists(p)), None)
    print(f'1..{len(SERVERS)}')
    found = patterns(path) if path else []
    failed = 0
    for number, module in enumerate(SERVERS, 1):
        if not path:
            print(f'ok {number} {module} # SKIP nmap is not installed')
            continue
        wrong = check(found, module)
        failed += bool(wrong)
        print(f'{"not " if wrong else ""}ok {number} {module}')
        for line in wrong:
            print('# ' + line)
    return 1 if failed else 0


sys.exit(main())
