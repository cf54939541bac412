"""top, series, port, who and sql on a store whose numbers make-store.c explains."""
import csv
import io
import os
import subprocess
import time

from harness import (FAILED, NOT_FOUND, TEITEN, USAGE, contains, equal, main, make_store, near, path, read,
                     teiten, write)

STORE = make_store('store')
LOOSE = make_store('loose', 'loose')
# Address days of the second week: alpha 4 × 7, beta 8 × 6, gamma 4 × 7.
NOW = 4 * 7 + 8 * 6 + 4 * 7
BEFORE = 4 * 7 + 8 * 7
PANEL_NOW = 4 * 7 + 8 * 6


def ask(*words, **options):
    return teiten(*words, '-s', STORE, **options)


def test_top_ports():
    rows = ask('top', 'ports', '--json').json()
    equal([r['port'] for r in rows], ['1900/udp', '23/tcp', '22/tcp'])
    equal([r['rank'] for r in rows], [1, 2, 3])
    equal([r['previous_rank'] for r in rows], [None, 1, 2])
    near(rows[0]['rate'], 960 * 6 / NOW)
    telnet = 96 * 7 + 192 * 6 + 48 * 7
    near(rows[1]['rate'], telnet / NOW)
    near(rows[1]['previous_rate'], (96 + 192) * 7 / BEFORE)
    equal(rows[1]['packets'], telnet)
    near(rows[1]['mirai_percent'], 100 * (48 * 7 + 96 * 6 + 48 * 7) / telnet)
    equal((rows[1]['sensors'], rows[1]['sensors_total']), (3, 3))
    # Changes are over alpha and beta, which observed in both weeks.
    now, before = (48 * 7 + 96 * 6) / PANEL_NOW, (24 + 48) * 7 / BEFORE
    near(rows[2]['change'], now - before)
    near(rows[2]['change_percent'], 100 * (now - before) / before)
    equal(rows[0]['change_percent'], None)
    equal([r['locality'] for r in rows], ['single-sensor', 'global', 'global'])
    near(rows[0]['top_sensor_share'], 1)


def test_top_for_people():
    ja = ask('top', 'ports', '--lang', 'ja').out
    contains(ja, '前期比(増減)', '件/日・IPアドレス', '1900/UDP', '前期は検知なし', '特定のセンサー',
             '期間 2026-10-08〜2026-10-14(Asia/Tokyo)', '観測稼働率 95.2%')
    en = ask('top', 'ports').out
    contains(en, 'packets/day/address', 'none before', 'coverage 95.2%', 'single-sensor')
    equal(ask('top', 'ports', env={'LC_ALL': 'ja_JP.UTF-8'}).out, ja)
    conf = write('en.yaml', 'report: { languages: [en] }\n')
    equal(ask('top', 'ports', '-c', conf, env={'LC_ALL': 'ja_JP.UTF-8'}).out, en)
    equal(len(ask('top', 'ports', '-n', '2', '-q').out.splitlines()), 3)


def test_top_others():
    # Asks one port of one address all day and never another: somebody's mistake, no attacker.
    everybody = [('RU', '1900/udp'), ('BR', '23/tcp'), ('CN', '23/tcp'), ('US', '22/tcp')]
    countries = ask('top', 'countries', '--all-roles', '--json').json()
    equal([(r['country'], r['port']) for r in countries], everybody)
    countries = ask('top', 'countries', '--json').json()
    equal([(r['country'], r['port']) for r in countries], everybody[1:])
    equal([r['asn'] for r in ask('top', 'asns', '--json').json()], [64500, 64501, 64502])
    asns = ask('top', 'asns', '--all-roles', '--json').json()
    equal([r['asn'] for r in asns], [0, 64500, 64501, 64502])
    assert 'service' not in asns[0]
    sources = ask('top', 'sources', '--json').json()
    assert '198.51.100.77' not in [r['source'] for r in sources]
    sources = ask('top', 'sources', '--all-roles', '--json').json()
    equal(sources[0]['role'], 'misconfigured')
    equal([r['source'] for r in sources],
          ['198.51.100.77', '203.0.113.7', '192.0.2.9', '2001:db8:5:6::/64'])
    equal(sources[1]['marks'], 'mirai')
    equal(sources[3]['packets'], 48 * 7 + 96 * 6)
    near(sources[3]['rate'], (48 * 7 + 96 * 6) / NOW)


def test_basis():
    total = ask('top', 'ports', '--basis', 'total', '--json').json()
    near(total[0]['rate'], 960)
    mean = ask('top', 'ports', '--basis', 'sensor-mean', '--json').json()
    near(mean[0]['rate'], 960 / 3)
    contains(ask('top', 'ports', '--basis', 'moon', status=USAGE).err, 'sensor-mean')


def test_rollups_and_flow_agree():
    for words in (['top', 'ports'], ['top', 'countries'], ['top', 'asns'], ['top', 'sources'],
                  ['series', '--split', 'country'], ['series', '23/tcp', '--split', 'mark'],
                  ['port', '22/tcp'], ['who', '203.0.113.7'], ['who', '198.51.100.7']):
        equal(teiten(*words, '-s', LOOSE, '--json').out, ask(*words, '--json').out)


def test_periods():
    week = ask('top', 'ports', '--json').out
    equal(ask('top', 'ports', '--from', '2026-10-08', '--to', '2026-10-14', '--json').out, week)
    equal(ask('top', 'ports', '--period', '2026-10-08..2026-10-14', '--json').out, week)
    equal(ask('top', 'ports', '--last', '1w', '--json').out, week)
    rows = ask('top', 'ports', '--period', '2026-10-03', '--json').json()
    near(rows[0]['rate'], (96 + 192) / 12)
    contains(ask('top', 'ports', '--last', '7x', status=USAGE).err, '7d')
    contains(ask('top', 'ports', '--last', '0d', status=USAGE).err, '7d')
    contains(ask('top', 'ports', '--last', '7d', '--period', '2026', status=USAGE).err, 'one of')
    contains(ask('top', 'ports', '--from', '2026-02-30', status=USAGE).err, '2026-02-30')
    contains(ask('top', 'ports', '--from', '2026-10-05', '--to', '2026-10-01', status=USAGE).err,
             'comes after')
    contains(ask('top', 'ports', '--period', 'soon', status=USAGE).err, 'soon')
    nothing = ask('top', 'ports', '--period', '2025', status=NOT_FOUND)
    contains(nothing.err, 'nothing was observed', 'the store holds 2026-10-01 to 2026-10-14')
    first = ask('top', 'ports', '--period', '2026-10-01', '--json').json()
    equal((first[0]['previous_rate'], first[0]['change']), (None, None))


def test_contributions():
    rows = ask('rises', '--contributions', '--json').json()
    equal([r['part'] for r in rows[-2:]], ['rest', 'total'])
    cells = [(r['port'], r['country'], r['sensor']) for r in rows[:-2]]
    equal(cells[0], ('1900/udp', 'RU', 'beta'))
    near(rows[0]['change'], 960 * 6 / PANEL_NOW)
    near(rows[0]['previous_rate'], 0)
    # 22/tcp of alpha doubled, 23/tcp of alpha is the same over another time.
    ssh = rows[cells.index(('22/tcp', 'US', 'alpha'))]
    near(ssh['change'], 48 * 7 / PANEL_NOW - 24 * 7 / BEFORE)
    total = rows[-1]
    now = (96 + 48) * 7 + (192 + 96 + 960) * 6
    before = (96 + 24) * 7 + (192 + 48) * 7
    near(total['rate'], now / PANEL_NOW)
    near(total['change'], now / PANEL_NOW - before / BEFORE)
    near(sum(r['change'] for r in rows[:-1]), total['change'])
    near(sum(r['share_percent'] for r in rows[:-1]), 100)
    sizes = [round(abs(r['change']), 9) for r in rows[:-2]]
    equal(sorted(sizes, reverse=True), sizes)
    contains(ask('rises', '--contributions', '--lang', 'ja').out, '増減に占める割合', 'ロシア', 'その他',
             'アクセス全体', '100.0%')
    contains(ask('rises', '--contributions', '--to', '2026-10-07', '--from', '2026-10-01',
                 status=NOT_FOUND).err, 'no change to take apart')


def test_contributions_in_reports():
    def made(period):
        folder = path('contributions-' + period)
        ask('report', 'weekly', '--period', period, '-o', folder, '--lang', 'ja')
        names = [n for n in os.listdir(folder) if n.endswith('.contributions.csv')]
        return list(csv.DictReader(io.StringIO(read(os.path.join(folder, names[0])).lstrip(
            '\ufeff')))) if names else None
    rows = made('2026-10-08..2026-10-14')
    equal([rows[0][n] for n in ('port', 'country', 'sensor')], ['1900/udp', 'RU', 'beta'])
    near(float(rows[0]['difference']), 960 * 6 / PANEL_NOW)
    for column in 'rate_before', 'rate', 'difference', 'share':
        near(sum(float(r[column]) for r in rows[:-1]) if column != 'share' else 100,
             float(rows[-1][column]))
    # Nothing was observed before the first week: there is no change.
    equal(made('2026-10-01..2026-10-07'), None)


def test_series():
    rows = ask('series', '22/tcp', '1900/udp', '80/tcp', '--last', '14d', '--json').json()
    equal(len(rows), 14 * 3)
    equal(rows[0], {'date': '2026-10-01', 'series': '22/tcp', 'rate': 72 / 12, 'packets': 72,
                    'note': None})
    # The day beta did not observe divides by alpha and gamma only.
    gap = [r for r in rows if r['date'] == '2026-10-10']
    near(gap[0]['rate'], 48 / 8)
    equal([r['rate'] for r in gap[1:]], [0, 0]) # backscatter of 80/tcp is no access
    beta = ask('series', '--split', 'sensor', '--last', '14d', '--json').json()
    equal([r['rate'] for r in beta if r['series'] == 'beta' and r['date'] == '2026-10-10'], [None])
    equal([r['rate'] for r in beta if r['series'] == 'gamma'][:8], [None] * 7 + [12.0])


def test_series_options():
    everything = ask('series', '--json').json()
    without = ask('series', '--exclude', '1900/udp', '--json').json()
    near(everything[0]['rate'] - without[0]['rate'], 60)
    contains(ask('series', '--exclude', '1900/udp').out, 'Without 1900/UDP')
    marks = ask('series', '--split', 'mark', '--json').json()
    equal({r['series'] for r in marks}, {'mirai', 'none'})
    few = ask('series', '--split', 'country', '-n', '1', '--json').json()
    equal({r['series'] for r in few}, {'RU', 'other'})
    near(few[0]['rate'] + few[1]['rate'], everything[0]['rate'])
    equal({r['series'] for r in ask('series', '--split', 'kind', '--json').json()},
          {'dark', 'answering'})


def test_series_figure():
    ask('series', '23/tcp', '--svg', path('figure.svg'), '--lang', 'ja')
    contains(read('figure.svg'), '<svg', '23/TCP', 'アクセスの推移')
    ask('series', '23/tcp', '--svg', path('no', 'figure.svg'), status=FAILED)


def test_port():
    card = ask('port', '23/tcp', '--json').json()[0]
    near(card['mirai']['rate'], (48 * 7 + 96 * 6 + 48 * 7) / NOW)
    near(card['mirai']['rate'] + card['without_mirai']['rate'], card['rate'])
    equal([c['country'] for c in card['countries']], ['BR', 'CN'])
    equal((card['rank'], card['previous_rank'], card['sources_per_day']), (2, 1, 2.0))
    equal(len(card['days']), 7)
    contains(ask('port', '23', '--lang', 'ja').out, 'Miraiの特徴を有する', '前期比', 'ブラジル 57.8%')
    contains(ask('port', '9999/tcp', status=NOT_FOUND).err, 'nothing came to 9999/tcp')


def test_who():
    row = ask('who', '203.0.113.7', '--json').json()[0]
    equal((row['first'], row['last']),
          ('2026-09-30T15:00:00.000000Z', '2026-10-14T14:00:30.000000Z'))
    equal((row['country'], row['asn'], row['marks'], row['sensors']), ('BR', 64500, ['mirai'], 3))
    equal(row['ports'], [{'port': '23/tcp', 'class': 'request',
                          'packets': 48 * 14 + 96 * 13 + 48 * 7}])
    victim = ask('who', '198.51.100.7', '--json').json()[0]
    equal((victim['classes']['backscatter'], victim['classes']['request']), (24 * (14 + 13 + 7), 0))
    equal((victim['country'], victim['ports'][0]['port']), ('JP', '80/tcp'))
    contains(ask('who', '198.51.100.7').out, 'target of a DoS attack')
    contains(ask('who', '203.0.113.7', '--timezone', 'UTC').out, '2026-09-30T15:00:00+00:00')
    contains(ask('who', '203.0.113.7').out, '2026-10-01T00:00:00+09:00')
    assert ask('who', '2001:db8:5:6::1', '--json').json()[0]['packets'] > 0
    contains(ask('who', '203.0.113.99', status=NOT_FOUND).err, 'never seen')


def test_formats():
    rows = list(csv.DictReader(io.StringIO(ask('top', 'ports', '--csv').out)))
    equal((rows[0]['port'], rows[0]['previous_rank']), ('1900/udp', ''))
    near(float(rows[0]['rate']), 960 * 6 / NOW)
    tsv = ask('top', 'ports', '--tsv').out.splitlines()
    equal(tsv[1].split('\t')[2], '1900/udp')
    quoted = ask('sql', "SELECT 'a,\"b' AS x, NULL AS n, 'c\td' AS t", '--csv').out
    equal(quoted, 'x,n,t\n"a,""b",,c\td\n')
    equal(ask('sql', "SELECT 'c\td' AS t", '--tsv').out, 't\nc\\td\n')


def test_sql():
    row = ask('sql', "SELECT sum(packets) AS n, 1.5e0 AS r, DATE '2026-10-01' AS d, true AS b, "
              "TIMESTAMP '2026-10-01 00:00:00' AS t, NULL AS x FROM port_quarter WHERE port = 1900",
              '--json').json()[0]
    equal((row['n'], row['d'], row['t'], row['x']),
          (960 * 6, '2026-10-01', '2026-10-01T00:00:00.000000Z', None))
    near(row['r'], 1.5)
    equal(ask('sql', '-', '--json', stdin=b'SELECT 7 AS n').json(), [{'n': 7}])
    equal(ask('sql', 'SELECT 1 AS n WHERE 1 = 2', '--json').out, '[]\n')
    # Nothing from a packet commands the terminal.
    assert '\033' not in ask('sql', "SELECT chr(27) || '[31m' AS x").out


def test_reader_leaves():
    """More than a buffer for a reader who is gone: no failure; to a full disk: one, with why."""
    words = [TEITEN, 'sql', 'SELECT * FROM range(5000)', '--csv', '-s', STORE]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(words, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    equal((done.returncode, done.stderr), (0, b''))
    with open('/dev/full', 'wb') as full:
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, check=False)
    equal(done.returncode, FAILED)
    contains(done.stderr.decode(), 'No space left')


def test_sql_cannot_write():
    before = sorted(os.listdir(STORE))
    stolen = write('stolen.csv', 'a,b\n1,2\n')
    for statement in (
            "DROP TABLE flow", "CREATE TABLE x (a INT)", "INSERT INTO flow VALUES (1)",
            "DELETE FROM flow", "UPDATE flow SET packets = 0",
            f"COPY (SELECT 1) TO '{path('out.csv')}'", f"ATTACH '{path('a.db')}'",
            "INSTALL httpfs", "LOAD httpfs", "PRAGMA database_list; SELECT 1",
            "SELECT 1; SELECT 2", "SET enable_external_access = true",
            f"SELECT * FROM read_csv('{stolen}')", f"SELECT * FROM '{stolen}'",
            "SELECT * FROM read_text('/etc/passwd')", f"EXPORT DATABASE '{path('x')}'",
            "not SQL at all", ""):
        result = ask('sql', statement, status=(FAILED, USAGE))
        equal(result.out, '')
        assert result.err.startswith('teiten sql: '), statement
    equal(sorted(os.listdir(STORE)), before)
    assert not os.path.exists(path('out.csv')) and not os.path.exists(path('a.db'))
    equal(ask('sql', 'SELECT sum(packets) AS n FROM port_quarter WHERE port = 1900',
              '--json').json()[0]['n'], 960 * 6)


def test_no_store():
    for words in (['top', 'ports'], ['series'], ['port', '23'], ['who', '192.0.2.1'],
                  ['sql', 'SELECT 1'], ['report', 'weekly']):
        result = teiten(*words, '-s', path('nowhere'), status=FAILED)
        contains(result.err, 'nowhere', '-s STORE')
    assert not os.path.exists(path('nowhere'))


def test_top_is_fast():
    start = time.monotonic()
    ask('top', 'ports')
    # A bound against accidents, not a benchmark: sanitizers and loaded machines are slow.
    assert time.monotonic() - start < 10


main(globals())
