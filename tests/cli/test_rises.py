"""Rises and falls: what is planted in a simulated site is found, with where it is, and no more."""
import json
import os

from harness import NOT_FOUND, USAGE, contains, equal, main, path, teiten

DAYS = 21
FIELDS = ('kind', 'key', 'port', 'direction', 'start', 'end', 'state', 'sensors', 'observed',
          'expected', 'ratio', 'locality', 'reason')


def rises(*words):
    return teiten('rises', '-s', path('store'), *words, '--json').json()


def test_planted_and_nothing_else():
    teiten('simulate', 'site', '-o', path('site'), '--days', str(DAYS), '--scale', '0.03')
    with open(os.path.join(path('site'), 'events.json'), encoding='utf-8') as f:
        site = json.load(f)
    for sensor in site['sensors']:
        nets = [a for n in sensor['networks'] for a in ('--sensor-net', n)]
        teiten('analyze', '-q', '-r', os.path.join(path('site'), sensor['file']), '--sensor',
               sensor['name'], *nets, '-s', path('store'))
    rows = {(r['key'], r['direction']): r for r in rises('--last', '%dd' % DAYS)}
    allowed = {('2323/tcp', 'up'), ('mirai', 'up'), ('23/tcp', 'up')}
    equal(sorted(set(rows) - allowed),
          [('1900/udp', 'up'), ('30005/tcp', 'up'), ('445/tcp', 'down')])
    assert ('23/tcp', 'up') in rows or ('mirai', 'up') in rows
    for row in rows.values():
        equal([f for f in FIELDS if f not in row], [])
        equal(row['port'], row['key'] if row['kind'] == 'port' else None)
    new, burst, fall = rows['30005/tcp', 'up'], rows['1900/udp', 'up'], rows['445/tcp', 'down']
    equal([new['locality'], new['sensors'], new['state']], ['global', 4, 'open'])
    equal([burst['locality'], burst['sensors'], burst['state']], ['single-sensor', 1, 'ended'])
    equal(burst['top_sensor'], 'sim-jp-2')
    equal([fall['locality'], fall['state']], ['global', 'open'])
    # The burst is planted from 13:00 to 19:00 on 19 November in Tokyo; quarters of an hour.
    equal([burst['start'][:16], burst['end'][:16]], ['2026-11-19T04:00', '2026-11-19T10:00'])
    planted = [e for e in site['events'] if e['kind'] == 'one-sensor-burst']
    excess = (burst['observed'] - burst['expected']) * sum(s['addresses'] for s in site['sensors'])
    assert abs(excess / planted[0]['packets'] - 1) < 0.05, (excess, planted)


def test_periods():
    before = rises('--to', '2026-11-15', '--from', '2026-11-09')
    equal([r['key'] for r in before if r['key'] in ('30005/tcp', '1900/udp')], [])
    after = {r['key']: r for r in rises('--last', '2d')}
    equal(after['30005/tcp']['state'], 'continuing')
    assert '1900/udp' not in after
    equal([r['kind'] for r in rises('--last', '7d', '--kind', 'country')], [])


def test_for_people():
    store = ('-s', path('store'), '--last', '7d')
    contains(teiten('rises', *store).out, '1900/udp', 'single-sensor', '1/4', 'new')
    contains(teiten('rises', *store, '--lang', 'ja').out, '特定のセンサー', '広域', '収束')
    contains(teiten('rises', *store, '--explain', '1900/udp', '--lang', 'ja').out,
             '4台中1台で受信した1900/UDP宛てのアクセスによるもので、他のセンサーに顕著な変化は見られません。',
             '広域的な傾向を示すものではないと考えられます(自動判定)。')
    contains(teiten('rises', *store, '--explain', '30005/TCP').out, 'It rose at 4 of 4 sensors')
    teiten('rises', *store, '--explain', '9/tcp', status=NOT_FOUND)
    teiten('rises', *store, '--kind', 'ports', status=USAGE)
    teiten('rises', *store, '23/tcp', status=USAGE)


main(globals())
