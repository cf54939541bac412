"""teiten report: periods, files, languages.  What it says is tested in report/ and publish/."""
import json
import os
import unicodedata

from harness import (FAILED, NOT_FOUND, USAGE, contains, equal, main, make_store, path, read,
                     teiten, write)

STORE = make_store('store')


def report(*words, **options):
    return teiten('report', *words, '-s', STORE, **options)


def test_terminal():
    en = report('weekly', '--period', '2026-10-08').out
    ja = report('weekly', '--period', '2026-10-08', '--lang', 'ja').out
    contains(en, '23/TCP', 'packets per day')
    contains(ja, '23/TCP', '件/日・IPアドレス')
    for line in en.splitlines():
        assert len(line) <= 70, line


def columns(line):
    return sum(2 if unicodedata.east_asian_width(c) in 'WFA' else 1 for c in line)


def test_japanese_lines():
    """70 columns, and no line begins with what must not begin one (禁則)."""
    for kind, period in (('weekly', '2026-10-08'), ('monthly', '2026-10'), ('yearly', '2026')):
        for line in report(kind, '--period', period, '--lang', 'ja').out.splitlines():
            assert columns(line) <= 70, line
            assert line == line.rstrip(), line
            text = line.strip(' \u3000')
            assert not text or text[0] not in '、。」)』】〜ーっゃゅょッャュョ々%', line
            assert not text or text[-1] not in '「(『【', line


def test_facts():
    facts = report('monthly', '--period', '2026-10', '--json').json()
    equal(facts['schema'], 'teiten.report/1')


def test_files():
    result = report('monthly', '--period', '2026-10', '-o', path('out', 'deep'))
    names = sorted(os.listdir(path('out', 'deep')))
    contains(result.out, f'{len(names)} files')
    for kind in ('.ja.html', '.en.html', '.ja.txt', '.en.txt', '.facts.json'):
        equal(len([n for n in names if n.endswith(kind)]), 1)
    equal([n for n in names if n.startswith('.') or 'tmp' in n], [])
    with open(path('out', 'deep', [n for n in names if n.endswith('.facts.json')][0]),
              encoding='utf-8') as f:
        json.load(f)
    again = {n: read(os.path.join('out', 'deep', n)) for n in names if n.endswith('.csv')}
    report('monthly', '--period', '2026-10', '-o', path('out', 'deep'))
    equal({n: read(os.path.join('out', 'deep', n)) for n in again}, again)


def test_languages():
    report('weekly', '--period', '2026-10-08', '--lang', 'en', '-o', path('en'))
    equal([n for n in os.listdir(path('en')) if '.ja.' in n], [])
    conf = write('ja.yaml', 'report: { languages: [ja] }\nsite: { name_ja: 試験観測所 }\n')
    report('weekly', '--period', '2026-10-08', '-c', conf, '-o', path('ja'))
    equal([n for n in os.listdir(path('ja')) if '.en.' in n], [])
    page = [n for n in os.listdir(path('ja')) if n.endswith('.ja.html')][0]
    contains(read(os.path.join('ja', page)), '試験観測所')
    contains(report('weekly', '--lang', 'ja,en', status=USAGE).err, '-o DIR writes both')


def test_what_cannot_be_made():
    contains(report('yearly', '--period', '2020', status=NOT_FOUND).err,
             'nothing was observed from 2020-01-01 to 2020-12-31', 'the store holds 2026-10-')
    report('weekly', '--period', 'yesterday', status=USAGE)
    contains(report('weekly', '--last', '7d', status=USAGE).err, '--period')
    contains(report('weekly', '--csv', status=USAGE).err, '-o DIR')
    file = write('file', '')
    report('weekly', '-o', os.path.join(file, 'below'), status=FAILED)


main(globals())
