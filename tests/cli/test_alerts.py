"""Signature alerts: in the analysis, in a store, by `alerts` and `top signatures`; never the
observed address."""
import os
import struct

from harness import FAILED, NOT_FOUND, USAGE, contains, equal, main, path, read, teiten, write

SENSOR = '192.0.2.5'
NET = '192.0.2.0/28'
PERIOD = ('--period', '2026-10-08')
STORE = path('store')
RULES = ('alert udp any any -> any 5060 (msg:"PING to 192.0.2.5"; content:"ping"; '
         'classtype:misc-activity; sid:1000001; rev:2;)\n'
         'alert udp any any -> any any (msg:"PONG"; content:"pong"; '
         'threshold:type limit, track by_src, count 1, seconds 600; sid:1000002; rev:1;)\n')


def packed(address):
    return bytes(int(part) for part in address.split('.'))


def datagram(src, dst, port, data):
    udp = struct.pack('>HHHH', 40000, port, 8 + len(data), 0) + data
    return struct.pack('>BBHHHBBH', 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0) + packed(src) \
        + packed(dst) + udp


def capture():
    start = 1791428400 # 2026-10-08 12:00 in Japan
    packets = [datagram('203.0.113.7', SENSOR, 5060, b'ping'),
               datagram('203.0.113.8', SENSOR, 5060, b'ping'),
               datagram('203.0.113.7', SENSOR, 9, b'pong'),
               datagram('203.0.113.7', SENSOR, 9, b'pong'),
               datagram('203.0.113.7', SENSOR, 9, b'pong'),
               datagram('203.0.113.7', '198.51.100.1', 5060, b'ping')]
    out = struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101)
    for i, data in enumerate(packets):
        out += struct.pack('<IIII', start + i, 0, len(data), len(data)) + data
    return write('small.pcap', out)


FILE = capture()
RULE_FILE = write('hand.rules', RULES)


def analyze(*words, **options):
    return teiten('analyze', '-r', FILE, '--sensor-net', NET, '--json', *words, **options)


def test_ingest():
    document = analyze('-s', STORE, '--rules', RULE_FILE).json()
    equal([(a['sid'], a['count']) for a in document['alerts']], [(1000001, 3), (1000002, 1)])
    rows = teiten('sql', '-s', STORE, 'SELECT sid, count(*) AS n, sum(suppressed) AS held, '
                  'min(proto) AS proto, min(dport) AS dport FROM alert GROUP BY sid ORDER BY sid',
                  '--json').json()
    equal([(r['sid'], r['n'], r['held'], r['proto'], r['dport']) for r in rows],
          [(1000001, 2, 0, 17, 5060), (1000002, 3, 2, 17, 9)])


def test_session():
    """Each alert names the session it belongs to."""
    rows = teiten('sql', '-s', STORE, 'SELECT alert.sid, session.dport, session.sport, '
                  'alert.src_lo = session.src_lo AS same FROM alert '
                  'JOIN session ON session.sensor = alert.sensor AND session.id = alert.session '
                  'ORDER BY sid, alert.time', '--json').json()
    equal([(r['sid'], r['dport'], r['sport'], r['same']) for r in rows],
          [(1000001, 5060, 40000, True)] * 2 + [(1000002, 9, 40000, True)] * 3)


def test_repeated_ingest():
    analyze('-s', STORE, '--rules', RULE_FILE, status=FAILED)
    equal(teiten('sql', '-s', STORE, 'SELECT count(*) AS n FROM alert', '--json').json(),
          [{'n': 5}])


def test_alerts():
    rows = teiten('alerts', '-s', STORE, *PERIOD, '--json').json()
    equal([(r['sid'], r['rev'], r['count'], r['matches'], r['sources'], r['sensors'])
           for r in rows], [(1000001, 2, 2, 2, 2, 1), (1000002, 1, 1, 3, 1, 1)])
    equal((rows[0]['class'], rows[0]['msg']), ('misc-activity', 'PING to {sensor}'))
    equal(rows[0]['first'][:19], '2026-10-08T03:00:00')
    equal([r['sessions'] for r in rows], [2, 1])
    who = teiten('who', '203.0.113.7', '-s', STORE, '--json').json()[0]
    equal([(r['sid'], r['msg'], r['count'], r['sessions']) for r in who['alerts']],
          [(1000001, 'PING to {sensor}', 1, 1), (1000002, 'PONG', 1, 1)])
    contains(teiten('who', '203.0.113.7', '-s', STORE).out, '1000002  PONG')
    contains(teiten('alerts', '-s', STORE, *PERIOD, '--lang', 'ja').out, 'シグネチャ', '1000001')
    teiten('alerts', 'ports', '-s', STORE, status=USAGE)


def test_attack_methods():
    """class_name comes from the built-in map or from the configuration's, whose errors are told."""
    own = write('own.map', 'version 7\nclass voice "音声" "Voice"\nclass rest "ほか" "Rest"\n'
                'when voice sid 1000001\notherwise rest\n')
    config = write('methods.yaml', 'signatures: { classes: "%s" }\n' % own)
    rows = teiten('alerts', '-s', STORE, *PERIOD, '--json').json()
    equal([r['class_name'] for r in rows], ['ICMP', 'Other'])
    rows = teiten('alerts', '-s', STORE, *PERIOD, '-c', config, '--json').json()
    equal([r['class_name'] for r in rows], ['Voice', 'Rest'])
    contains(teiten('alerts', '-s', STORE, *PERIOD, '-c', config, '--lang', 'ja').out, '音声')
    write('own.map', 'version 7\nwhen voice sid 1\n')
    for words in (('alerts',), ('report', 'weekly')):
        contains(teiten(*words, '-s', STORE, '-c', config, status=USAGE).err,
                 "signatures.classes: ", "own.map:2: no class 'voice' above")


def edition(folder, language):
    name = [n for n in os.listdir(path(folder)) if n.endswith('.%s.md' % language)][0]
    return read(os.path.join(folder, name))


def test_report():
    """One line without rules, the methods and the new signatures with them."""
    analyze('-o', path('dark'))
    contains(edition('dark', 'ja'), 'シグネチャのルールを用いた観測が行われていない')
    contains(edition('dark', 'en'), 'No signature rules were in use')
    assert 'Signature matches' not in edition('dark', 'en')
    analyze('-o', path('lit'), '--rules', RULE_FILE)
    contains(edition('lit', 'en'), 'Signatures matched 5 times', 'ICMP', 'Other')
    contains(edition('lit', 'ja'), '検知件数は5件', '2件と数えています', 'ルールは2個')
    contains(read('lit/' + [n for n in os.listdir(path('lit')) if n.endswith('methods.csv')][0]),
             'rank,class,rate,share,main_signature', '1,icmp,', ',40,PING to {sensor}')
    text = teiten('report', 'weekly', '-s', STORE, '--period', '2026-W41', '--lang', 'ja').out
    contains(text.replace('\n', ''), '不正侵入等のシグネチャを用いた検知件数は')


def test_top():
    rows = teiten('top', 'signatures', '-s', STORE, *PERIOD, '--json').json()
    equal([(r['rank'], r['previous_rank'], r['sid'], r['count'], r['sources'], r['share'])
           for r in rows], [(1, None, 1000002, 3, 1, 60), (2, None, 1000001, 2, 2, 40)])
    contains(teiten('top', 'signatures', '-s', STORE, *PERIOD).out, '1000002', 'PONG')


def test_configured_rules():
    config = write('rules.yaml', 'signatures: { rules: ["%s"] }\n' % path('*.rules'))
    equal(len(teiten('rules', 'list', '-c', config, '--json').json()), 2)
    document = teiten('analyze', '-c', config, '-r', FILE, '--json').json()
    equal([a['sid'] for a in document['alerts']], [1000001, 1000002])
    teiten('rules', 'list', status=USAGE)


def test_hunt():
    """Rules that came later are looked for in what sessions began with."""
    late = write('late.txt', 'alert udp any any -> any 9 (msg:"LATE"; content:"pong"; '
                 'threshold:type limit, track by_src, count 1, seconds 600; sid:1000003; rev:1;)\n'
                 'alert udp any any -> any any (msg:"ANY"; content:"p"; sid:1000004; rev:1;)\n'
                 'alert udp any any -> any any (msg:"TTL"; ttl:64; sid:1000005; rev:1;)\n')
    rows = teiten('rules', 'test', '1000003', '-s', STORE, *PERIOD, late, '--json').json()
    equal([(r['sid'], r['source'], r['port'], r['transport'], r['time'][:19]) for r in rows],
          [(1000003, '203.0.113.7', 9, 'udp', '2026-10-08T03:00:02')])
    found = teiten('sql', '-s', STORE, 'SELECT dport, count(*) AS n FROM session GROUP BY dport '
                   'ORDER BY dport', '--json').json()
    equal([(r['dport'], r['n']) for r in found], [(9, 1), (5060, 2)])
    rows = teiten('rules', 'test', '--since', '36500d', '-s', STORE, late, '--json').json()
    equal([(r['sid'], r['port'], r['msg']) for r in rows],
          [(1000004, 5060, 'ANY'), (1000004, 5060, 'ANY'), (1000003, 9, 'LATE'), (1000004, 9, 'ANY')])
    sessions = {r['id'] for r in teiten('sql', '-s', STORE, 'SELECT id FROM session',
                                        '--json').json()}
    equal({r['session'] for r in rows}, sessions)
    contains(teiten('rules', 'test', '1000003', '-s', STORE, *PERIOD, late).out,
             '203.0.113.7', '1000003', 'Looked at what 3 sessions began with')
    contains(teiten('rules', 'test', '1000003', '-s', STORE, *PERIOD, late, '--lang', 'ja').out,
             '送信元', '3件のセッション')
    teiten('rules', 'test', '7', '-s', STORE, *PERIOD, late, status=NOT_FOUND)
    teiten('rules', 'test', '1000003', '-s', STORE, '--period', '2025-10', late, status=NOT_FOUND)
    teiten('rules', 'list', '--since', '7d', late, status=USAGE)


def test_no_observed_address():
    """Neither as text nor as a number in any file but the catalogue, which maps the indices."""
    text = teiten('sql', '-s', STORE, 'SELECT * FROM alert', '--json').out
    assert SENSOR not in text and str(struct.unpack('>I', packed(SENSOR))[0]) not in text, text
    for folder, _, names in os.walk(STORE):
        for name in names:
            with open(os.path.join(folder, name), 'rb') as f:
                assert SENSOR.encode() not in f.read(), name


main(globals())
