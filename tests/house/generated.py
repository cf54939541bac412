"""Documents made from lists are current: prints how to make them again when they are not."""
import subprocess
import sys

source, record_docs, protocol_docs = sys.argv[1:4]
DOCUMENTS = [
    ('docs/records.md', [record_docs], 'build/record-docs >docs/records.md'),
    ('docs/protocols.md', [protocol_docs], 'build/protocol-docs >docs/protocols.md'),
]

failed = 0
print(f'1..{len(DOCUMENTS)}')
for number, (path, command, remake) in enumerate(DOCUMENTS, 1):
    made = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    try:
        with open(f'{source}/{path}', 'rb') as f:
            current = f.read() == made
    except FileNotFoundError:
        current = False
    failed += not current
    if not current:
        print(f'# {path} is not what its list says; run: {remake}')
    print(f'{"ok" if current else "not ok"} {number} - {path} is current')
sys.exit(1 if failed else 0)
