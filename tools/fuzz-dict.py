#!/usr/bin/env python3
"""A libFuzzer dictionary for one protocol, on stdout: the words of its transcripts' client lines.

usage: fuzz-dict.py PROTOCOL

Words are runs of letters and digits, and the bytes between them, so that magic numbers, verbs,
separators and length fields of real conversations are at hand to be put together anew.
"""
import glob
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WORD_MAX = 24
WORDS_MAX = 400


def client_bytes(path):
    with open(path, encoding='utf-8') as f:
        for line in f:
            if line.startswith('C: '):
                text = line[3:].rstrip('\n')
                yield re.sub(rb'\\(x[0-9a-fA-F]{2}|.)', unescape, text.encode())


def unescape(match):
    code = match.group(1)
    if code.startswith(b'x') and len(code) == 3:
        return bytes([int(code[1:], 16)])
    return {b'r': b'\r', b'n': b'\n', b't': b'\t'}.get(code, code)


def main():
    words = {}
    for path in sorted(glob.glob(os.path.join(ROOT, 'tests', 'transcripts', sys.argv[1] + '-*.txt'))):
        for data in client_bytes(path):
            for word in re.findall(rb'[A-Za-z0-9_-]+|[^A-Za-z0-9_-]+', data):
                words[word[:WORD_MAX]] = words.get(word[:WORD_MAX], 0) + 1
    for word in sorted(words, key=lambda w: (-words[w], w))[:WORDS_MAX]:
        print('"%s"' % ''.join('\\x%02x' % byte for byte in word))


main()
