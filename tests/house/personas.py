"""Every text of data/personas/ is asked for by the code, and every one asked for is there.

A key that nobody has reads as "", so a misspelt one would be a silent reply.  Keys that the
code puts together are known by their beginning ("shell.cpuinfo.%s") or by NTLM_WORDS.
"""
import glob
import os
import re
import sys

source = sys.argv[1]
SOURCES = ('protocol', 'respond', 'daemon')
# src/protocol/ntlm.c: what a Windows machine calls itself, for each protocol with NTLM.
NTLM_WORDS = ('computer', 'dns', 'domain', 'version')
# "shell.cpuinfo.%s" and the like: any key that begins so.
BUILT = re.compile(r'"([a-z0-9]+\.[a-z0-9.-]+\.)%s"')
KEY = re.compile(r'"([a-z0-9]+\.[a-z0-9.-]+)"')


def keys_of_data():
    keys = {}
    for path in sorted(glob.glob(os.path.join(source, 'data', 'personas', '*.txt'))):
        with open(path, encoding='utf-8') as lines:
            for number, line in enumerate(lines, 1):
                if line[0] not in '\t #\n':
                    name = os.path.relpath(path, source)
                    keys[line.rstrip('\n').rstrip('<')] = f'{name} line {number}'
    return keys


def main():
    keys = keys_of_data()
    modules = {key.split('.')[0] for key in keys}
    asked = {}
    begun = set()
    texts = ''
    for layer in SOURCES:
        for path in sorted(glob.glob(os.path.join(source, 'src', layer, '*.[ch]'))):
            with open(path, encoding='utf-8') as f:
                code = re.sub(r'#include[^\n]*', '', f.read())
            # Names of events and files look alike; only arguments of a persona's and rows count.
            for key in KEY.findall(code):
                if key.split('.')[0] in modules:
                    asked.setdefault(key, os.path.relpath(path, source))
            begun |= set(BUILT.findall(code))
            texts += code
    # {model} in another text is persona.model; persona.h lists those that texts may use.
    for path in glob.glob(os.path.join(source, 'data', 'personas', '*')) \
            + [os.path.join(source, 'src', 'protocol', 'persona.h')]:
        with open(path, encoding='utf-8') as f:
            for name in re.findall(r'\{([a-z]+)\}', f.read()):
                asked.setdefault('persona.' + name, None)
    for key in keys:
        module, word = key.split('.')[0], key.split('.')[-1]
        built = any(key.startswith(b) for b in begun)
        ntlm = key == f'{module}.{word}' and word in NTLM_WORDS \
            and os.path.exists(os.path.join(source, 'src', 'protocol', module + '.c'))
        if built or ntlm:
            asked.setdefault(key, None)
    unused = [key for key in keys if key not in asked]
    files = {'persona.txt'}
    # A literal counts as a question only where it is one: as an argument or in a row of keys.
    missing = [key for key, path in asked.items() if key not in keys and path
               and key not in files
               and re.search(r'(?:persona\w*\([^;"]*|\bkey = )"' + re.escape(key) + '"', texts)]
    print('1..2')
    for key in unused:
        print(f'# {keys[key]}: nothing asks for {key}; ask with protocol_persona(io, "{key}") '
              'or take it out')
    print(f'{"not ok" if unused else "ok"} 1 - every text is asked for')
    for key in missing:
        print(f'# {asked[key]} asks for {key}; write its alternatives into '
              f'data/personas/{key.split(".")[0]}.txt (format: src/protocol/persona.h)')
    print(f'{"not ok" if missing else "ok"} 2 - every text that is asked for is there')
    return 1 if unused or missing else 0


sys.exit(main())
