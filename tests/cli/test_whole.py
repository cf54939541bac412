"""From simulated captures to a report: every subcommand in turn, and their numbers agree."""
import json
import os
import shutil
import subprocess

from harness import (BUILD, FAILED, USAGE, contains, equal, main, near, path, read, teiten, write)

STORE = path('store')
DAYS = 2


def simulate():
    teiten('simulate', 'site', '-o', path('sim'), '--days', str(DAYS), '--sensors', '2', '--scale',
           '0.05', '--start', '2026-11-02')
    return json.loads(read(os.path.join('sim', 'events.json')))['sensors']


def nets(sensor):
    return [word for net in sensor['networks'] for word in ('--sensor-net', net)]


SENSORS = simulate()
ANALYSES = {}


def test_analyze():
    for sensor in SENSORS:
        document = teiten('analyze', '-r', path('sim', sensor['file']), *nets(sensor), '--sensor',
                          sensor['name'], '-s', STORE, '--json').json()
        ANALYSES[sensor['name']] = document
        equal(document['schema'], 'teiten.analysis/1')
        packets = document['packets']
        equal(packets['read'], sensor['packets'])
        equal(packets['read'], packets['counted'] + sum(packets['dropped'].values()))
        equal(document['marks']['mirai'], sensor['marks']['mirai'])


def test_one_processor_or_two():
    """Threads take rows and packets where there is a second processor: nothing else differs."""
    all_processors = os.sched_getaffinity(0)
    sensor = SENSORS[0]
    documents = []
    for processors in ({min(all_processors)}, all_processors):
        os.sched_setaffinity(0, processors)
        try:
            documents.append(teiten('analyze', '-r', path('sim', sensor['file']), *nets(sensor),
                                    '--all', '--json').out)
        finally:
            os.sched_setaffinity(0, all_processors)
    equal(documents[0] == documents[1], True)
    equal(json.loads(documents[0])['packets']['read'], sensor['packets'])


def test_repeat_is_refused():
    sensor = SENSORS[0]
    words = ['analyze', '-r', path('sim', sensor['file']), *nets(sensor), '--sensor',
             sensor['name'], '-s', STORE]
    contains(teiten(*words, status=FAILED).err, '--again')


def test_two_months_at_two_sensors():
    """Many dates make large transactions of the catalogue, inside the sandbox."""
    teiten('simulate', 'site', '-o', path('months'), '--days', '61', '--sensors', '2', '--scale',
           '0.01', '-q')
    for sensor in json.loads(read(os.path.join('months', 'events.json')))['sensors']:
        for again in ([], ['--again']):
            teiten('analyze', '-q', '-r', path('months', sensor['file']), *nets(sensor),
                   '--sensor', sensor['name'], '-s', path('months-store'), *again)
    equal(teiten('db', 'verify', '-s', path('months-store')).status, 0)


def test_store_holds_what_was_counted():
    rows = teiten('sql', 'SELECT class, sum(packets) AS n FROM flow GROUP BY class ORDER BY class',
                  '-s', STORE, '--json').json()
    names = ['request', 'followup', 'backscatter', 'other']
    stored = {names[row['class']]: row['n'] for row in rows}
    for name in names:
        equal(stored.get(name, 0), sum(d['classes'][name] for d in ANALYSES.values()))
    requests = teiten('sql', 'SELECT sum(packets) AS n FROM port_quarter WHERE class = 0', '-s',
                      STORE, '--json').json()[0]['n']
    equal(requests, stored['request'])
    verify = teiten('db', 'verify', '-s', STORE)
    equal(verify.status, 0)


def test_questions_agree():
    everything = teiten('series', '-s', STORE, '--last', '2d', '--json').json()
    stored = sum(d['classes']['request'] for d in ANALYSES.values())
    equal(sum(row['packets'] for row in everything), stored)
    ports = teiten('top', 'ports', '--all', '-s', STORE, '--last', '2d', '--json').json()
    equal(sum(row['packets'] for row in ports), stored)
    countries = teiten('top', 'countries', '--all', '--all-roles', '-s', STORE, '--last', '2d',
                       '--json').json()
    equal(sum(row['packets'] for row in countries), stored)
    sources = teiten('top', 'sources', '--all', '--all-roles', '-s', STORE, '--last', '2d',
                     '--json').json()
    equal(sum(row['packets'] for row in sources), stored)
    first = teiten('who', sources[0]['source'].split('/')[0], '-s', STORE, '--json').json()[0]
    equal(first['classes']['request'], sources[0]['packets'])
    card = teiten('port', ports[0]['port'], '-s', STORE, '--last', '2d', '--json').json()[0]
    near(card['rate'], ports[0]['rate'])
    near(sum(c['rate'] for c in card['countries']), card['rate'])


def test_report():
    teiten('report', 'weekly', '--period', '2026-11-02', '-s', STORE, '-o', path('report'))
    page = [n for n in os.listdir(path('report')) if n.endswith('.ja.html')]
    contains(read(os.path.join('report', page[0])), '23/TCP', '前期は観測データなし')


def test_damaged_capture():
    sensor = SENSORS[0]
    with open(path('sim', sensor['file']), 'rb') as f:
        data = f.read()
    cut = write('cut.pcap', data[:len(data) // 2])
    result = teiten('analyze', '-r', cut, *nets(sensor), '--json', status=FAILED)
    document = result.json()
    assert 0 < document['packets']['read'] < sensor['packets']
    assert document['files'][0]['error']
    contains(result.err, 'cut.pcap')


def test_inputs_that_are_no_captures():
    for name, data in (('empty', b''), ('text', b'hello\n' * 100), ('zeros', bytes(4096))):
        result = teiten('analyze', '-r', write(name, data), status=FAILED)
        contains(result.err, name)
    contains(teiten('analyze', '-r', path('absent.pcap'), status=FAILED).err, 'absent.pcap')
    contains(teiten('analyze', status=USAGE).err, '-r')
    teiten('analyze', '-r', path('sim', SENSORS[0]['file']), '--sensor-net', '192.0.2.1/28',
           status=USAGE)
    teiten('analyze', '-r', path('sim', SENSORS[0]['file']), 'no', 'such', 'filter', status=USAGE)


def test_pipes():
    with open(path('sim', SENSORS[0]['file']), 'rb') as f:
        data = f.read()
    document = teiten('analyze', '-r', '-', *nets(SENSORS[0]), '--json', stdin=data).json()
    equal(document['packets'], ANALYSES[SENSORS[0]['name']]['packets'])
    if shutil.which('gzip'):
        packed = subprocess.run(['gzip', '-c'], input=data, stdout=subprocess.PIPE, check=True)
        document = teiten('analyze', '-r', '-', *nets(SENSORS[0]), '--json',
                          stdin=packed.stdout).json()
        equal(document['packets'], ANALYSES[SENSORS[0]['name']]['packets'])


def test_manual_names_every_subcommand():
    page = os.path.join(BUILD, 'docs', 'teiten.1')
    if not os.path.exists(page):
        print('# no scdoc: the manual was not built')
        return
    with open(page, encoding='utf-8') as f:
        text = f.read()
    overview = teiten('help').out.split('Subcommands:\n')[1].split('\n\n')[0]
    for line in overview.splitlines():
        name = line.split()[0]
        assert name == 'help' or f'teiten {name}' in text, name


main(globals())
