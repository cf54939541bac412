"""analyze --quick: what it counts is what a whole analysis counts; what it leaves out, it says."""
import os

from harness import USAGE, contains, equal, main, path, teiten, write

SAME = ('files', 'packets', 'ip', 'transport', 'tcp', 'classes', 'sources', 'destinations', 'marks',
        'tools', 'rates', 'sources_saturated')
NOTHING = ('clusters', 'roles', 'protocols', 'logins', 'alerts', 'attacks')


def compare(*words):
    whole = teiten('analyze', '-q', '--json', '--all', *words).json()
    quick = teiten('analyze', '-q', '--json', '--all', '--quick', *words).json()
    equal(sorted(quick), sorted(whole))
    for name in SAME:
        equal(quick[name], whole[name])
    for name in NOTHING:
        equal(quick[name], [])
        contains(' '.join(quick['not_examined']), name)
    for port in whole['ports']:
        port['sources'] = None
    # Ports of the same number of packets are ranked by their sources, which quick does not know.
    key = lambda row: (-row['packets'], row['port'])
    equal(sorted(quick['ports'], key=key), sorted(whole['ports'], key=key))
    for country in whole['countries']:
        country['port'] = None
    equal(quick['countries'], whole['countries'])
    equal(quick['asns'], whole['asns'])
    equal(sum(row['packets'] for row in quick['asns']), quick['classes']['request'])
    equal(len(quick['asns']) > 1, True)
    equal('ports.sources' in whole['not_examined'], False)
    return whole


def test_same_numbers():
    teiten('simulate', 'telescope', '--packets', '200000', '-o', path('t.pcap'))
    whole = compare('-r', path('t.pcap'), '--sensor-net', '198.18.0.0/16')
    equal(whole['packets']['counted'], 200000)
    equal(len(whole['tools']) > 2 and len(whole['roles']) > 1, True)
    compare('-r', path('t.pcap'))
    compare('-r', path('t.pcap'), 'udp or dst port 23')


def test_sites():
    teiten('simulate', 'site', '-o', path('site'), '--days', '2', '--scale', '0.1')
    files = sorted(os.path.join(path('site'), name) for name in os.listdir(path('site'))
                   if name.endswith('.pcap'))
    for file in files:
        compare('-r', file)
    compare('-r', *files)


def test_for_people():
    out = teiten('analyze', '-q', '--quick', '-r', path('t.pcap')).out
    contains(out, '--quick', 'Country or region  Packets', 'were not examined')
    equal('main port' in out or 'Role' in out or 'Spoken' in out, False)
    contains(teiten('analyze', '-q', '--quick', '-r', path('t.pcap'), '--lang', 'ja').out,
             '簡易分析', '調べていません')


def test_refusals():
    rules = write('some.rules', 'alert tcp any any -> any any (sid:1;)\n')
    for words in (('-s', path('s')), ('-o', path('o')), ('--rules', rules)):
        result = teiten('analyze', '--quick', '-r', path('t.pcap'), *words, status=USAGE)
        contains(result.err, '--quick', words[0])
        equal(os.path.exists(path('s')) or os.path.exists(path('o')), False)


main(globals())
