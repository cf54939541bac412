"""teiten note, and the notes beside series, port and rises and in every edition of a report."""
import csv
import io
import os
import xml.dom.minidom

from harness import (NOT_FOUND, OK, USAGE, contains, equal, main, make_store, path, read, teiten)

STORE = make_store('store')
PAGE = 'https://www.example.jp/at/260001.html?a=1&b=2'


def note(*words, **options):
    return teiten('note', *words, '-s', STORE, **options)


def test_add_and_list():
    equal(note('list', '--json').json(), [])
    out = note('add', '--on', 'port:23/tcp', '--on', 'tool:mirai', '--date', '2026-10-09', '--ja',
               '注意喚起<1>を公開', '--en', 'Advisory <1> published', '--url', PAGE).out
    contains(out, 'note 1: 2026-10-09 23/TCP, mirai: Advisory <1> published (%s)' % PAGE)
    note('add', '--on', 'country:cn', '--date', '2026-10-11', '--en', 'CVE-2026-1234')
    note('add', '--on', 'all', '--date', '2026-10-11', '--ja', 'センサーを移設')
    note('add', '--on', 'port:1900/udp', '--date', '2026-10-10', '--en', 'SSDP report')
    note('add', '--on', 'port:22/tcp', '--date', '2026-09-01', '--en', 'long before')
    rows = note('list', '--json').json()
    equal([r['id'] for r in rows], [5, 1, 4, 2, 3])
    equal(rows[1], {'id': 1, 'date': '2026-10-09', 'series': ['port:23/tcp', 'tool:mirai'],
                    'ja': '注意喚起<1>を公開', 'en': 'Advisory <1> published', 'url': PAGE})
    equal(rows[3]['series'], ['country:CN'])
    equal(rows[3]['ja'], None)
    table = list(csv.DictReader(io.StringIO(note('list', '--csv').out)))
    equal(table[1]['series'], 'port:23/tcp tool:mirai')
    contains(note('list', '--lang', 'ja').out, '対象', '23/TCP、mirai', '中国', '全体', PAGE)
    equal([r['id'] for r in note('list', '--on', 'port:23/tcp', '--json').json()], [1])
    equal([r['id'] for r in note('list', '--from', '2026-10-11', '--json').json()], [2, 3])
    equal([r['id'] for r in note('list', '--to', '2026-10-09', '--json').json()], [5, 1])


def test_bad_input():
    good = ('--on', 'all', '--date', '2026-10-09', '--ja', 'x')
    for words, *said in (
            (('add', '--on', '23/tcp', *good), "--on '23/tcp'", 'port: goes before it'),
            (('add', '--on', 'port:99999/tcp', *good), "'port:99999/tcp'", 'port:23/tcp'),
            (('add', '--on', 'country:CHN', *good), "'country:CHN'"),
            (('add', '--on', 'signature:x', *good), "'signature:x'"),
            (('add', *good, '--date', '2026-02-30'), '--date 2026-02-30'),
            (('add', *good, '--url', 'javascript:alert(1)'), '--url', 'https://'),
            (('add', *good, '--en', 'a\nb'), '--en: character 2'),
            (('add', *good, '--en', ''), '--en: the text is empty'),
            (('add', *good, 'more'), "'more'", 'quotes'),
            (('add', '--date', '2026-10-09', '--ja', 'x'), '--on SERIES is missing'),
            (('add', '--on', 'all', '--ja', 'x'), '--date is missing'),
            (('add', '--on', 'all', '--date', '2026-10-09'), '--ja, --en'),
            (('add', *good, '--from', '2026-10-09'), '--from does not belong'),
            (('add', *good, *[w for p in range(6) for w in ('--on', 'port:%d/tcp' % p)]),
             '--on port:4/tcp', 'at most 5'),
            (('list', '23/tcp'), '--on 23/tcp'),
            (('list', '--from', '2026-10-09', '--to', '2026-10-01'), '--from comes after --to'),
            (('remove', ), 'number'), (('remove', 'x'), "'x'"), (('remove', '1', '2'), 'number'),
            (('ad', ), "'ad'", "'add'"), ((), 'add, list, remove')):
        contains(note(*words, status=USAGE).err, *said)
    contains(note('remove', '77', status=NOT_FOUND).err, '77')
    contains(teiten('note', 'add', *good, '-s', path('no'), status=NOT_FOUND).err, 'no store')
    equal(os.path.exists(path('no')), False)
    equal(len(note('list', '--json').json()), 5)


def test_beside_results():
    series = teiten('series', '23/tcp', '-s', STORE)
    contains(series.out, '[1] 2026-10-09 23/TCP, mirai: Advisory <1> published',
             '[2] 2026-10-11 everything: センサーを移設')
    equal('CVE' in series.out or 'SSDP' in series.out, False)
    rows = teiten('series', '23/tcp', '-s', STORE, '--json').json()
    equal({r['date']: r['note'] for r in rows if r['note']},
          {'2026-10-09': 'Advisory <1> published', '2026-10-11': 'センサーを移設'})
    equal(len(teiten('series', '-s', STORE).out.split('\n[')), 5)
    equal('SSDP' in teiten('series', '-s', STORE, '--exclude', '1900/udp').out, False)
    contains(teiten('series', '-s', STORE, '--split', 'country').out, 'CVE-2026-1234')
    teiten('series', '23/tcp', '-s', STORE, '--svg', path('notes.svg'))
    svg = read('notes.svg')
    xml.dom.minidom.parseString(svg)
    equal((svg.count('<line class="note"'), svg.count('class="badge"')), (2, 4))
    contains(svg, 'Advisory &lt;1&gt; published', '[2] 2026-10-11')
    card = teiten('port', '23/tcp', '-s', STORE, '--json').json()[0]
    equal([n['id'] for n in card['notes']], [1, 3])
    contains(teiten('port', '23/tcp', '-s', STORE, '--lang', 'ja').out, '注記',
             '[1] 2026-10-09 23/TCP、mirai: 注意喚起<1>を公開')
    equal(teiten('port', '22/tcp', '-s', STORE, '--json').json()[0]['notes'][0]['id'], 3)
    rows = {r['key']: r for r in teiten('rises', '-s', STORE, '--json').json()}
    for key, row in rows.items():
        equal('SSDP report' in (row['note'] or ''), key == '1900/udp')
        contains(row['note'], '2026-10-11 センサーを移設')
    if '1900/udp' in rows:
        contains(teiten('rises', '-s', STORE).out, 'Note 2026-10-10 1900/UDP: SSDP report')
        contains(teiten('rises', '-s', STORE, '--explain', '1900/udp', '--lang', 'ja').out,
                 '注記 2026-10-10 1900/UDP: SSDP report')


def test_report():
    teiten('report', 'weekly', '-s', STORE, '--period', '2026-10-08..2026-10-14', '-o',
           path('report'), '--lang', 'ja,en')
    stem = [n for n in os.listdir(path('report')) if n.endswith('.ja.html')][0][:-8]

    def edition(ending):
        return read(os.path.join('report', stem + ending))
    rows = list(csv.DictReader(io.StringIO(edition('.notes.csv').lstrip('\ufeff'))))
    equal([r['number'] for r in rows], ['1', '2', '3', '4'])
    equal(rows[0]['text'], '注意喚起<1>を公開 / Advisory <1> published')
    equal(rows[0]['url'], PAGE)
    equal(rows[1]['series'], '1900/udp')
    ja = edition('.ja.html')
    contains(ja, '期間中の注記', '注意喚起&lt;1&gt;を公開', '中国:CVE-2026-1234',
             '<a rel="nofollow" href="%s">' % PAGE.replace('&', '&amp;'))
    equal('<1>' in ja or 'long before' in ja, False)
    text = edition('.ja.txt')
    contains(text, '[1] ' + PAGE, '[4] 10/11 全体:センサーを移設', '10/9 [1]', '10/11 [3][4]')
    contains(edition('.en.txt'), 'Notes on the period', '[2] 10 Oct, 1900/UDP: SSDP report')
    contains(edition('.ja.md'), '- \\[1\\] 10/9 23/TCP、Mirai:', '<%s>' % PAGE)
    access, ports = edition('.access-daily.ja.svg'), edition('.ports-daily.ja.svg')
    for svg in access, ports:
        xml.dom.minidom.parseString(svg)
        contains(svg, '全体:センサーを移設')
    # A series that a figure of its own shows is drawn there; any other with all access.
    contains(ports, 'SSDP report', '注意喚起&lt;1&gt;を公開')
    equal('SSDP report' in access, False)
    contains(access, 'CVE-2026-1234', '注意喚起&lt;1&gt;を公開')
    equal('CVE-2026-1234' in ports, False)


def test_remove():
    note('remove', '1', status=OK)
    equal([r['id'] for r in note('list', '--json').json()], [5, 4, 2, 3])
    note('add', '--on', 'all', '--date', '2026-10-12', '--ja', 'y', '-q')
    equal(max(r['id'] for r in note('list', '--json').json()), 6)


main(globals())
