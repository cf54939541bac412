#!/usr/bin/env python3
"""Makes one man page: fills the places of a .scd text and runs scdoc.

usage: page.py --teiten PROGRAM --keys PROGRAM --protocols PROGRAM --scdoc PROGRAM SOURCE OUTPUT

Places, each alone in its line:
    @subcommands@   every subcommand of `teiten help` with its help text
    @help NAME@     the help text of one subcommand
    @keys@          every configuration key
    @protocols@     every protocol with its events
"""
import argparse
import re
import subprocess


def output(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.decode()


def subcommands(teiten):
    """(name, summary) as `teiten help` lists them."""
    text = output(teiten, 'help').split('Subcommands:\n')[1].split('\n\n')[0]
    return [tuple(line.split(None, 1)) for line in text.splitlines()]


def literal(text):
    return '```\n' + text.rstrip('\n') + '\n```\n'


def fill(line, options):
    if line == '@keys@':
        return output(options.keys)
    if line == '@protocols@':
        return output(options.protocols, '--man')
    if line == '@subcommands@':
        return '\n'.join(f'## teiten {name}\n\n{summary.replace("_", chr(92) + "_")}.\n\n'
                         + literal(output(options.teiten, 'help', name))
                         for name, summary in subcommands(options.teiten) if name != 'help')
    match = re.fullmatch(r'@help (\w+)@', line)
    if match:
        return literal(output(options.teiten, 'help', match.group(1)))
    return line + '\n'


def main():
    parser = argparse.ArgumentParser()
    for name in ('teiten', 'keys', 'protocols', 'scdoc'):
        parser.add_argument('--' + name, required=True)
    parser.add_argument('source')
    parser.add_argument('output')
    options = parser.parse_args()
    with open(options.source, encoding='utf-8') as f:
        text = ''.join(fill(line, options) for line in f.read().splitlines())
    page = subprocess.run([options.scdoc], input=text.encode(), check=True,
                          stdout=subprocess.PIPE).stdout
    with open(options.output, 'wb') as f:
        f.write(page)


main()
