"""DoS victims: everything planted in simulated sites is found by analyze and by a store, and nothing
else; on a simulated telescope the list is that of a plain reading of corsaro's rule."""
import json
import os
import struct

from harness import USAGE, contains, equal, main, near, path, teiten

DAY_EVENTS = {'reflection-victim': 'reflection', 'synack-backscatter': 'backscatter',
              'unreachable-backscatter': 'backscatter'}
PORTS = {'reflection-victim': ('udp', 53), 'synack-backscatter': ('tcp', 80),
         'unreachable-backscatter': ('udp', 53)}


def site(seed):
    folder = path('site-%d' % seed)
    teiten('simulate', 'site', '-o', folder, '--days', '7', '--scale', '0.1', '--seed', str(seed))
    with open(os.path.join(folder, 'events.json'), encoding='utf-8') as f:
        events = json.load(f)
    return folder, events if isinstance(events, list) else events['events']


def keys(rows):
    return sorted((r['victim'], r['kind'], r['transport'], r['port']) for r in rows)


def planted(events, sensor=None):
    return sorted({(e['victim'], DAY_EVENTS[e['kind']]) + PORTS[e['kind']] for e in events
                   if e['kind'] in DAY_EVENTS and sensor in (None, e['sensor'])})


def test_planted_and_nothing_else():
    for seed in (1, 2, 3):
        folder, events = site(seed)
        store = path('store-%d' % seed)
        for name in sorted({e['sensor'] for e in events}):
            file = os.path.join(folder, name + '.pcap')
            document = teiten('analyze', '-r', file, '--sensor', name, '-s', store, '-q',
                              '--json', '--all').json()
            found = keys(document['attacks'])
            wanted = planted(events, name)
            equal([k for k in found if k not in wanted], [])
            # Each of a few hundred packets: a sensor of one address may get too few of a minute.
            enough = [e for e in events if e['sensor'] == name and e['kind'] in DAY_EVENTS
                      and e['packets'] >= 300]
            equal([k for k in planted(enough) if k not in found], [])
            equal([r for r in document['not_examined'] if r != 'alerts'], [])
        rows = teiten('attacks', '-s', store, '--last', '7d', '--json').json()
        equal(keys(rows), planted(events))
        for row in rows:
            packets = sum(e['packets'] for e in events if e.get('victim') == row['victim'])
            equal(row['packets'], packets)


def test_for_people():
    contains(teiten('attacks', '-s', path('store-1'), '--last', '7d').out, 'reflection', '53/udp')
    contains(teiten('attacks', '-s', path('store-1'), '--last', '7d', '--lang', 'ja').out,
             '被害を受けたとみられるIPアドレス', '跳ね返り')
    teiten('attacks', 'ports', '-s', path('store-1'), status=USAGE)


def packets(data):
    """(second, victim, protocol, port, destination) of backscatter, as corsaro reads it."""
    at = 24
    while at < len(data):
        second, _, size, _ = struct.unpack_from('<IIII', data, at)
        ip = at + 16 + 14
        at += 16 + size
        src, dst = struct.unpack_from('>II', data, ip + 12)
        protocol = data[ip + 9]
        l4 = ip + (data[ip] & 15) * 4
        if protocol == 6:
            flags = data[l4 + 13]
            if flags & 4 or flags & 0x12 == 0x12:
                yield second, src, 6, struct.unpack_from('>H', data, l4)[0], dst
        elif protocol == 1:
            kind = data[l4]
            if kind in (0, 14, 16, 18):
                yield second, src, 1, 0, dst
            elif kind in (3, 4, 5, 11, 12):
                inner = l4 + 8
                victim = struct.unpack_from('>I', data, inner + 16)[0]
                port = struct.unpack_from('>H', data, inner + (data[inner] & 15) * 4 + 2)[0]
                yield second, victim, data[inner + 9], port, dst


def reference(data):
    attacks = []
    open_ones = {}

    def end(key, a):
        ports = a['ports']
        if (a['packets'] >= 25 and a['last'] - a['first'] >= 60 and len(a['dsts']) >= 2
                and max(a['minutes'].values()) >= 30):
            attacks.append((key[0], key[1], min(ports, key=lambda p: (-ports[p], p)), a['packets'],
                            max(a['minutes'].values()), a['last'] - a['first']))

    for second, victim, protocol, port, dst in packets(data):
        key = (victim, protocol)
        a = open_ones.get(key)
        if a and second - a['last'] > 300:
            end(key, open_ones.pop(key))
            a = None
        if not a:
            a = open_ones[key] = {'first': second, 'packets': 0, 'dsts': set(), 'minutes': {},
                                  'ports': {}}
        a['last'] = second
        a['packets'] += 1
        a['dsts'].add(dst)
        a['minutes'][second // 60] = a['minutes'].get(second // 60, 0) + 1
        a['ports'][port] = a['ports'].get(port, 0) + 1
    for key, a in open_ones.items():
        end(key, a)
    return sorted(attacks)


def test_telescope_as_corsaro():
    file = path('telescope.pcap')
    teiten('simulate', 'telescope', '--packets', '600000', '--pps', '1000', '-o', file)
    with open(file, 'rb') as f:
        wanted = reference(f.read())
    rows = teiten('analyze', '-r', file, '--sensor-net', '198.18.0.0/16', '--json',
                  '--all').json()['attacks']
    numbers = {'tcp': 6, 'udp': 17, 'icmp': 1}

    def value(address):
        return struct.unpack('>I', bytes(int(p) for p in address.split('.')))[0]

    def seconds(text):
        h, m, s = text[11:19].split(':')
        return int(h) * 3600 + int(m) * 60 + int(s)

    found = sorted((value(r['victim']), numbers[r['transport']], r['port'], r['packets'],
                    r['max_ppm'], seconds(r['end']) - seconds(r['start'])) for r in rows)
    equal(len(wanted) > 5, True)
    equal(found, wanted)
    for row in rows:
        duration = seconds(row['end']) - seconds(row['start'])
        near(row['replies_per_second'], row['packets'] / duration * 65536)


main(globals())
