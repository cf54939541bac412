"""Clusters: sources that keep a field constant are named by what they keep, alike without a store, in
`top tools` and in `who`; kernels and known tools are none."""
import random
import struct

from harness import contains, equal, main, path, teiten

START = 1790780400  # 2026-10-01 00:00 in Tokyo
KERNEL = bytes.fromhex('020405b40402080a000000010000000001030307')
PERIOD = ('--from', '2026-10-01', '--to', '2026-10-02')


def packet(rng, source, how):
    destination = 0xC6336400 + rng.randrange(64)
    port = rng.choice((23, 80, 8080))
    sequence = how.get('seq', rng.randrange(1 << 32))
    options = how.get('options', b'')
    tcp = struct.pack('>HHIIBBHHH', how.get('sport', rng.randrange(1024, 65536)), port, sequence, 0,
                      (5 + len(options) // 4) << 4, 2, how.get('window', 1024), 0, 0) + options
    return struct.pack('>BBHHHBBHII', 0x45, 0, 20 + len(tcp), how.get('id', rng.randrange(65536)), 0,
                       how.get('ttl', 240), 6, 0, source, destination) + tcp


def capture():
    rng = random.Random(3)
    packets = []
    for base, count, how in (
            (0xC0000201, 4, {'seq': 0xDEADBEEF}),
            (0xC0000211, 2, {'sport': 6000, 'window': 8192, 'ttl': 110}),
            (0xC0000221, 1, {'id': 54321, 'window': 65535}),
            (0xC0000231, 1, {'options': KERNEL, 'window': 64240, 'ttl': 50})):
        for source in range(base, base + count):
            # Two days: a source counts once, its packets add up.
            for i in range(60):
                packets.append((START + i * 1800 + rng.randrange(1000), packet(rng, source, how)))
    with open(path('clusters.pcap'), 'wb') as f:
        f.write(struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101))
        for second, data in sorted(packets):
            f.write(struct.pack('<IIII', second, 0, len(data), len(data)) + data)


capture()
ANALYZE = ('analyze', '-q', '-r', path('clusters.pcap'), '--sensor-net', '198.51.100.0/26',
           '--timezone', 'Asia/Tokyo')


def test_document():
    document = teiten(*ANALYZE, '--json').json()
    equal([(c['sources'], c['fields'][0], c['window'], c['initial_ttl'], c['options'])
           for c in document['clusters']], [(4, 'seq', 1024, 255, ''), (2, 'sport', 8192, 128, '')])
    # Of the second day there are twelve only.
    equal(document['clusters'][0]['packets'], 4 * 48)
    contains(teiten(*ANALYZE, '--lang', 'ja').out, document['clusters'][0]['cluster'],
             '固定シーケンス番号')
    contains(teiten(*ANALYZE, '--lang', 'en').out, 'constant source port')


def test_store():
    named = {c['fields'][0]: c['cluster'] for c in teiten(*ANALYZE, '--json').json()['clusters']}
    teiten(*ANALYZE, '--sensor', 'a', '-s', path('clusters'))
    rows = [r for r in teiten('top', 'tools', '-s', path('clusters'), *PERIOD, '--json').json()
            if r['kind'] == 'cluster']
    equal([(r['tool'], r['sources'], r['packets']) for r in rows],
          [(named['seq'], 4, 192), (named['sport'], 2, 96)])
    contains(teiten('top', 'tools', '-s', path('clusters'), *PERIOD, '--lang', 'ja').out,
             '固定項目', '固定送信元ポート(初期TTL 128、ウィンドウ 8192、オプションなし)')
    who = teiten('who', '192.0.2.1', '-s', path('clusters'), '--json').json()[0]
    equal([(c['cluster'], c['packets'], c['fields']) for c in who['clusters']],
          [(named['seq'], 48, ['seq', 'window', 'ttl', 'options'])])
    contains(teiten('who', '192.0.2.17', '-s', path('clusters'), '--lang', 'en').out, named['sport'],
             'constant source port')
    for ip in ('192.0.2.33', '192.0.2.49'):
        equal(teiten('who', ip, '-s', path('clusters'), '--json').json()[0]['clusters'], [])


main(globals())
