"""Scans: what is planted in simulated sites is found with its shape, speed and tool; one packet every
eight hours at four sensors is one slow event over three weeks; victims are never scanners."""
import json
import os
import struct

from harness import USAGE, contains, equal, main, near, path, teiten

DAY = 86400
START = 1790780400  # 2026-10-01 00:00 in Tokyo


def site():
    folder = path('site')
    if not os.path.exists(folder):
        teiten('simulate', 'site', '-o', folder, '--start', '2026-09-01', '--days', '14',
               '--scale', '0.05', '--seed', '4')
        for name in sorted(n for n in os.listdir(folder) if n.endswith('.pcap')):
            teiten('analyze', '-r', os.path.join(folder, name), '--sensor', name[:-5], '-s',
                   path('site-store'), '-q', '--json')
    with open(os.path.join(folder, 'events.json'), encoding='utf-8') as f:
        return json.load(f)['events']


def scans(store, *words):
    return teiten('scans', '-s', path(store), *words, '--json').json()


def test_planted():
    events = site()
    for kind, shape, tool in (('zmap-sweep', 'block', 'zmap'), ('masscan-sweep', 'block', 'masscan'),
                              ('slow-scan', 'horizontal', None)):
        planted = [e for e in events if e['kind'] == kind]
        rows = scans('site-store', '--last', '14d', '--source', planted[0]['source'])
        equal(len(rows), 1)
        row = rows[0]
        equal(row['shape'], shape)
        equal(row['tool'], tool)
        equal(row['packets'], sum(e['packets'] for e in planted))
        equal(row['sensors'], len(planted))
        equal(row['slow'], kind == 'slow-scan')
        low, share, high = (row['coverage'][k] for k in ('low', 'share', 'high'))
        equal(0 < low < share < high <= 1, True)
    equal(row['port'], '3389/tcp')


def test_victims_are_no_scanners():
    victims = {e['victim'] for e in site() if 'victim' in e}
    equal(len(victims), 3)
    equal(victims & {r['source'] for r in scans('site-store', '--last', '14d')}, set())


def test_order_and_bounds():
    rows = scans('site-store', '--last', '14d')
    equal([r['packets'] for r in rows], sorted((r['packets'] for r in rows), reverse=True))
    for r in rows:
        equal(r['packets'] >= 4 and r['start'] <= r['end'], True)
        equal(r['destinations'] <= r['destinations_most'], True)
        equal(r['port'] is None, r['shape'] != 'horizontal')
        equal(r['ports'] > 10, r['shape'] != 'horizontal')
    equal(scans('site-store', '--last', '14d', '-n', '7'), rows[:7])


def test_one_port():
    rows = scans('site-store', '--last', '14d', '--port', '3389')
    equal({r['port'] for r in rows}, {'3389/tcp'})
    equal({r['shape'] for r in rows}, {'horizontal'})


# ---- captures of our own --------------------------------------------------------------------------

def address(text):
    return int.from_bytes(bytes(int(p) for p in text.split('.')), 'big')


def segment(source, destination, sport, dport, seq, ack, flags, options=b'', data=b'', ttl=50, number=1):
    tcp = struct.pack('>HHIIBBHHH', sport, dport, seq, ack, 0x50 + len(options) // 4 * 16, flags, 29200, 0,
                      0) + options + data
    return struct.pack('>BBHHHBBHII', 0x45, 0, 20 + len(tcp), number * 7919 & 0xffff, 0, ttl, 6, 0,
                       source, destination) + tcp


MSS = b'\x02\x04\x05\xb4'


def syn(source, destination, port, number):
    return segment(source, destination, 40000 + number % 1000, port, 0x10203 * (number + 7) & 0xffffffff,
                   0, 2, MSS, number=number)


def two_phases(source, destination, second):
    """A bare SYN with a high TTL; then a conversation as any host has."""
    yield second, segment(source, destination, 45000, 2323, 77, 0, 2, ttl=240)
    for i, (back, seq, ack, flags, options, data) in enumerate((
            (False, 1000, 0, 2, MSS, b''), (True, 5000, 1001, 18, MSS, b''),
            (False, 1001, 5001, 16, b'', b''), (False, 1001, 5001, 24, b'', b'root\r\nadmin\r\n'),
            (True, 5001, 1014, 16, b'', b''), (False, 1014, 5001, 17, b'', b''))):
        ends = (destination, source) if back else (source, destination)
        ports = (2323, 40001) if back else (40001, 2323)
        yield second + 60 + i, segment(*ends, *ports, seq, ack, flags, options, data, number=i + 3)


def capture(name, packets):
    """packets: (second, bytes), written in order of time, as raw IP."""
    with open(path(name), 'wb') as f:
        f.write(struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101))
        for second, data in sorted(packets):
            f.write(struct.pack('<IIII', second, 0, len(data), len(data)) + data)
    return path(name)


SENSORS = [('tokyo', '198.51.100.0', 4), ('osaka', '198.51.100.16', 2), ('paris', '203.0.113.0', 8),
           ('lima', '203.0.113.32', 1)]
SLOW = address('192.0.2.77')
WIDE = address('192.0.2.78')
SHY = address('192.0.2.79')
PAIR = address('192.0.2.80')
PHASES = address('192.0.2.81')


def weeks():
    addresses = [(s, address(net) + i) for s, (_, net, size) in enumerate(SENSORS) for i in range(size)]
    packets = [[] for _ in SENSORS]
    # One packet every eight hours, to one address each, for 22 days.
    for i in range(66):
        s, destination = addresses[i % len(addresses)]
        packets[s].append((START + i * DAY // 3 + 600, syn(SLOW, destination, 3389, i)))
    # Twenty ports of one address in a minute.
    for i in range(20):
        packets[0].append((START + 5 * DAY + i, syn(WIDE, addresses[0][1], 8000 + i, i)))
    # Three addresses are no scan.
    for i in range(30):
        packets[2].append((START + 6 * DAY + i, syn(SHY, addresses[6 + i % 3][1], 23, i)))
    # The two ports of Hajime, at many addresses, and a two-phase scanner.
    for i in range(40):
        s, destination = addresses[i % len(addresses)]
        packets[s].append((START + 7 * DAY + i * 61, syn(PAIR, destination, (23, 5358)[i % 2], i)))
    packets[0] += list(two_phases(PHASES, addresses[0][1], START + 8 * DAY))
    # Somebody asks every day, so that the sensors observe all the time.
    for i in range(22 * 24):
        for s, (_, net, _) in enumerate(SENSORS):
            packets[s].append((START + i * 3600, syn(address('192.0.2.5'), address(net), 22, i)))
    for s, (name, net, size) in enumerate(SENSORS):
        plen = 32 - (size - 1).bit_length()
        teiten('analyze', '-r', capture(name + '.pcap', packets[s]), '--sensor', name, '--sensor-net',
               '%s/%d' % (net, plen), '-s', path('weeks'), '-q', '--json')


def test_slow_scan_over_three_weeks():
    weeks()
    whole = ('--from', '2026-10-01', '--to', '2026-10-22')
    rows = [r for r in scans('weeks', *whole) if r['source'] == '192.0.2.77']
    equal(len(rows), 1)
    equal((rows[0]['port'], rows[0]['packets'], rows[0]['destinations'], rows[0]['sensors'],
           rows[0]['slow'], rows[0]['start'][:19], rows[0]['end'][:19]),
          ('3389/tcp', 66, 15, 4, True, '2026-09-30T15:10:00', '2026-10-22T07:10:00'))
    equal(rows[0]['coverage']['share'], 1)
    # A period of three days knows that it began long before.
    rows = [r for r in scans('weeks', '--from', '2026-10-20', '--to', '2026-10-22')
            if r['source'] == '192.0.2.77']
    equal([(r['packets'], r['start'][:10]) for r in rows], [(66, '2026-09-30')])
    # What was over is not listed.
    equal([r for r in scans('weeks', '--from', '2026-10-20', '--to', '2026-10-22')
           if r['source'] == '192.0.2.78'], [])


def test_vertical_and_no_scan():
    rows = scans('weeks', '--from', '2026-10-01', '--to', '2026-10-22')
    wide = [r for r in rows if r['source'] == '192.0.2.78']
    equal([(r['shape'], r['port'], r['ports'], r['destinations'], r['coverage']) for r in wide],
          [('vertical', None, 20, 1, None)])
    equal([r for r in rows if r['source'] == '192.0.2.79'], [])


def tools(store, *words):
    return {r['tool']: r for r in teiten('top', 'tools', '-s', path(store), *words, '--all', '--json').json()}


def test_tools_and_behaviours():
    found = tools('weeks', '--from', '2026-10-01', '--to', '2026-10-22')
    pair = found['hajime-like']
    equal((pair['kind'], pair['sources'], pair['packets']), ('behaviour', 1, 40))
    equal((found['two-phase']['kind'], found['two-phase']['sources']), ('behaviour', 1))
    rows = scans('weeks', '--from', '2026-10-01', '--to', '2026-10-22', '--source', '192.0.2.80')
    equal({(r['port'], r['tool']) for r in rows}, {('23/tcp', 'hajime-like'), ('5358/tcp', 'hajime-like')})
    found = tools('site-store', '--last', '14d')
    equal({'mirai', 'zmap', 'masscan', 'nmap'} <= set(found), True)
    equal(all(found[t]['kind'] == 'tool' and found[t]['sources'] > 0 for t in ('mirai', 'zmap')), True)
    equal('two-phase' in found, False)
    near(sum(r['share'] for r in found.values() if r['kind'] == 'tool'), 100)
    # The stateless scanner that the simulation has no name for: one header, many sources.
    shapes = [r for r in found.values() if r['kind'] == 'shape']
    equal([r['detail'] for r in shapes if r['sources'] > 20], ['4:255:0:*:1200,*:::0'])
    contains(teiten('top', 'tools', '-s', path('site-store'), '--last', '14d', '--lang', 'ja').out,
             'SYNの形', '挙動' if 'hajime-like' in found else 'ツール', '特定できず')


def test_distributed():
    """Sixteen neighbours deal 64 addresses out among themselves; sixteen others draw them by lot."""
    packets = [[], []]
    state = 1
    for i in range(16):
        for n in range(4):
            state = (state * 6364136223846793005 + 1442695040888963407) % 2 ** 64
            for net, at in (('203.0.113.0', i * 4 + n), ('192.0.2.128', (state >> 33) % 64)):
                packets[at // 32].append((START + 600 * i + n, syn(address(net) + i, address(
                    '198.51.100.0') + at, 8443, i * 4 + n)))
    for s in range(2):
        teiten('analyze', '-r', capture('shared-%d.pcap' % s, packets[s]), '--sensor', 'half-%d' % s,
               '--sensor-net', '198.51.100.%d/27' % (s * 32), '-s', path('shared'), '-q', '--json')
    rows = scans('shared', '--from', '2026-10-01', '--to', '2026-10-01', '--distributed')
    equal([(r['network'], r['port'], r['sources'], r['destinations'], r['overlap'], r['packets'])
           for r in rows], [('203.0.113.0/24', '8443/tcp', 16, 64, 0, 64)])
    near(rows[0]['expected_overlap'], 30)
    contains(teiten('scans', '-s', path('shared'), '--from', '2026-10-01', '--to', '2026-10-01',
                    '--distributed', '--lang', 'ja').out, '203.0.113.0/24', '64/64', '2組を検定')
    equal(scans('site-store', '--last', '14d', '--distributed'), [])
    teiten('scans', '--distributed', '--port', '23', '-s', path('shared'), status=USAGE)


def test_for_people():
    whole = ('--from', '2026-10-01', '--to', '2026-10-22')
    contains(teiten('scans', '-s', path('weeks'), *whole).out, '192.0.2.77', 'slow', '15/15',
             'vertical', '3389/tcp')
    contains(teiten('scans', '-s', path('weeks'), *whole, '--lang', 'ja').out, '低速', '垂直',
             '途切れとみなす間隔')
    contains(teiten('scans', '-s', path('weeks'), *whole, '--csv').out.splitlines()[0], 'coverage_low')
    teiten('scans', 'ports', '-s', path('weeks'), status=USAGE)
    teiten('scans', '--port', 'ssh', '-s', path('weeks'), status=USAGE)
    teiten('scans', '--source', '1.2.3', '-s', path('weeks'), status=USAGE)
    teiten('scans', '-n', '0', '-s', path('weeks'), status=USAGE)


main(globals())
