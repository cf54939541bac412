"""Roles and attacks of dates: what simulated sites plant is judged rightly, victims are not ranked as
attackers, and a store says the same before and after compaction."""
import json
import os

from harness import FAILED, contains, equal, main, path, teiten, write

STORE = path('store')
VICTIMS = {'reflection-victim': 'victim-reflection', 'synack-backscatter': 'victim-backscatter',
           'unreachable-backscatter': 'victim-backscatter'}
JUDGED = ('SELECT * FROM role ORDER BY ALL', 'SELECT * FROM role_day ORDER BY ALL',
          'SELECT * FROM attack ORDER BY ALL')


def simulate():
    folder = path('site')
    teiten('simulate', 'site', '-o', folder, '--days', '5', '--sensors', '2',
           '--scale', '0.05', '--seed', '4')
    with open(os.path.join(folder, 'events.json'), encoding='utf-8') as f:
        made = json.load(f)
    for sensor in made['sensors']:
        nets = [word for net in sensor['networks'] for word in ('--sensor-net', net)]
        teiten('analyze', '-q', '-r', os.path.join(folder, sensor['file']), *nets, '--sensor',
               sensor['name'], '-s', STORE, '--timezone', 'Asia/Tokyo', '--no-compact')
    return made['events']


EVENTS = simulate()
PLANTED = {e['victim']: VICTIMS[e['kind']] for e in EVENTS if e['kind'] in VICTIMS}
REFLECTED = [v for v, role in PLANTED.items() if role == 'victim-reflection'][0]
SWEEP = [e['source'] for e in EVENTS if e['kind'] == 'zmap-sweep'][0]


def sql(text, *words):
    return teiten('sql', text, '-s', STORE, '--json', *words).json()


def top(*words):
    return teiten('top', *words, '--all', '-s', STORE, '--last', '5d', '--json').json()


def answers():
    """Everything that may not depend on whether a date is compacted."""
    return [sql(text) for text in JUDGED] + [
        top('sources'), top('countries'), top('sources', '--all-roles', '--no-research'),
        [teiten('who', ip, '-s', STORE, '--json').json() for ip in sorted(PLANTED)]]


def test_victims_are_found():
    for victim, role in PLANTED.items():
        who = teiten('who', victim, '-s', STORE, '--json').json()[0]
        equal(who['role'], role)
        equal([a['kind'] for a in who['attacks']], [role[len('victim-'):]] * len(who['attacks']))
        equal(sum(a['packets'] for a in who['attacks']),
              sum(e['packets'] for e in EVENTS if e.get('victim') == victim))
    # Nobody else is.
    equal({r['ip'] for r in sql('SELECT DISTINCT ipText(src_hi, src_lo) AS ip FROM role '
                                "WHERE role LIKE 'victim%'")} - set(PLANTED), set())
    equal(sql("SELECT vector FROM attack WHERE kind = 'reflection' GROUP BY vector"),
          [{'vector': 'dns.any'}])


def test_victims_are_no_attackers():
    everybody = top('sources', '--all-roles')
    equal([r['role'] for r in everybody if r['source'] == REFLECTED], ['victim-reflection'])
    ranked = top('sources')
    equal([r['source'] for r in ranked if r['source'] in PLANTED], [])
    apart = ('victim-reflection', 'victim-backscatter', 'reflector', 'misconfigured')
    equal([r for r in ranked if r['role'] in apart], [])
    total = sum(r['packets'] for r in top('countries', '--all-roles'))
    ranked = sum(r['packets'] for r in top('countries'))
    left_out = sql('SELECT CAST(sum(packets) AS BIGINT) AS n FROM role_day '
                   "WHERE role_day.role <> 'research'")[0]['n']
    equal(total - ranked, left_out)
    equal(sum(r['packets'] for r in top('asns')), ranked)
    assert left_out >= sum(e['packets'] for e in EVENTS if e.get('victim') == REFLECTED)
    everywhere = write('all.yaml', 'report: { ranking_roles: { countries: all } }\n')
    equal(sum(r['packets'] for r in top('countries', '-c', everywhere)), total)
    equal(sum(r['packets'] for r in top('ports')), total)
    attackers = write('attackers.yaml', 'report: { ranking_roles: { ports: attackers } }\n')
    equal(sum(r['packets'] for r in top('ports', '-c', attackers)), ranked)


def test_compaction_changes_nothing():
    dirty = answers()
    teiten('db', 'compact', '--today', '-s', STORE)
    equal(teiten('db', 'verify', '-s', STORE).err, 'the store is whole\n')
    for found, expected in zip(answers(), dirty):
        equal(found, expected)


def test_for_people():
    contains(teiten('who', REFLECTED, '-s', STORE, '--lang', 'ja').out, '被害(反射型攻撃)',
             '53/udp 宛ての要求(dns.any)を同じアドレスに繰り返し',
             '国別順位から除外。ブロック対象にしないでください。')
    contains(teiten('who', REFLECTED, '-s', STORE).out, 'victim (reflection)', 'Do not block it')
    contains(teiten('top', 'sources', '-s', STORE).out, '--all-roles')
    sensor = [e['sensor'] for e in EVENTS if e.get('victim') == REFLECTED][0]
    file = path('site', sensor + '.pcap')
    contains(teiten('analyze', '-r', file, '--lang', 'ja').out, '送信元の判定(自動)', '反射', REFLECTED)


def test_research_of_the_site():
    lists = write('research.tsv', f'# ours\n{SWEEP}/32\t2020-01-01\t-\tUs\tin our books\n')
    config = write('research.yaml', f'detect: {{ research: [{lists}] }}\n')
    # What is stored was judged without the file: only making it again brings it in.
    equal([r['role'] for r in top('sources', '-c', config) if r['source'] == SWEEP], ['scanner'])
    teiten('db', 'compact', '--today', '--all', '-s', STORE, '-c', config)
    equal([r['role'] for r in top('sources', '-c', config) if r['source'] == SWEEP], ['research'])
    equal([r for r in top('sources', '--no-research') if r['source'] == SWEEP], [])
    contains(teiten('who', SWEEP, '-s', STORE).out, 'address of Us')
    report = teiten('report', 'weekly', '-s', STORE, '--lang', 'ja').out
    contains(report.replace('\n', ''), '調査目的のスキャンとみられるアクセスは')
    bad = write('bad.tsv', '192.0.2.0/24\n')
    config = write('bad.yaml', f'detect: {{ research: [{bad}] }}\n')
    contains(teiten('top', 'sources', '-s', STORE, '-c', config, status=FAILED).err,
             f'{bad}: line 1: needs 5 fields')


def test_retention_keeps_judgements():
    before = [sql(text) for text in JUDGED]
    config = write('short.yaml', 'retention: { flow: 1d, watermark: 100% }\n')
    teiten('db', 'prune', '-s', STORE, '-c', config)
    equal(sql('SELECT count(*) AS n FROM flow'), [{'n': 0}])
    equal([sql(text) for text in JUDGED], before)
    teiten('db', 'compact', '--today', '--all', '-s', STORE)
    equal([sql(text) for text in JUDGED], before)
    equal(teiten('db', 'verify', '-s', STORE).err, 'the store is whole\n')


main(globals())
