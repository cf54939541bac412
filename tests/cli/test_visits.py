"""What visitors said: top, who and report over the store `make-store STORE visits`, and privacy: who
sees passwords, what a report withholds, and that no observed address is stored as text."""
import os
import struct

from harness import contains, equal, main, make_store, near, path, read, teiten

STORE = make_store('store', 'visits')
PERIOD = ('--period', '2026-10-08..2026-10-14')


def top(what, *words, **options):
    return teiten('top', what, '-s', STORE, *PERIOD, *words, **options)


def rows(what, *keys):
    return [tuple(row[key] for key in keys) for row in top(what, '--json').json()]


# Second week: alpha 7 days, beta 6.  Telnet: 13 sensor-days × 6 visitors = 78 sessions.

def test_logins():
    equal(rows('users', 'rank', 'previous_rank', 'user', 'count', 'sources', 'sensors'),
          [(1, 1, 'admin', 84, 6, 2), (2, 2, 'root', 78, 6, 2), (3, 3, 'meter', 6, 1, 1)])
    equal(rows('passwords', 'password', 'count', 'sensors_total')[1:3],
          [('xc3511', 78, 3), ('Hanako-1964', 6, 3)])
    logins = top('logins', '--json').json()
    equal([(r['protocol'], r['user'], r['password'], r['secret']) for r in logins][1],
          ('telnet', 'root', 'xc3511', 'password'))
    near(logins[1]['share'], 100 * 78 / 168)
    near(sum(r['share'] for r in logins), 100)


def test_protocols():
    equal(rows('protocols', 'protocol', 'count', 'sources', 'sessions_with_login',
               'sessions_without_login', 'logins', 'logins_with_credentials',
               'logins_without_credentials'),
          [('telnet', 78, 6, 78, 0, 162, 162, 0), ('mqtt', 18, 1, 6, 12, 6, 6, 0)])


def test_what_was_left():
    equal(rows('urls', 'url', 'count'),
          [('http://198.51.100.80/bins.sh', 6), ('http://198.51.100.81/b', 6)])
    equal(rows('commands', 'protocol', 'count', 'sources'), [('telnet', 6, 1)])
    equal(rows('payloads', 'size', 'kind', 'cpu', 'count'), [(4, 'elf', 'mips-be', 6)])


def test_events_by_name():
    events = top('events', '--json').json()
    equal([(r['protocol'] + '.' + r['event'], r['count']) for r in events],
          [('mqtt.connect', 18), ('mqtt.connect.anonymous', 12), ('http.login.basic', 7),
           ('mqtt.connect.credentials', 6), ('http.exploit.emerge-e3', 1)])
    equal([r['previous_rank'] for r in events], [2, None, 1, 3, None])
    contains(top('events', '--lang', 'ja').out, 'MQTTの接続要求(認証情報なし)',
             '入退室管理装置', 'ウェブ認証の試行(Basic認証)', '圏外) 新')
    contains(top('events').out, 'MQTT connection requests without credentials',
             'door controllers', 'Web logins tried (Basic)')


def test_length_of_rankings():
    two = top('passwords', '-n', '2', '--json').json()
    equal(len(two), 2)
    near(two[0]['share'], 100 * 78 / 168) # of all, not of those shown
    equal(len(top('passwords', '--all', '--csv').out.splitlines()), 5)


def test_people_see_masks():
    for words in (('top', 'passwords', '-s', STORE, *PERIOD),
                  ('top', 'logins', '-s', STORE, *PERIOD), ('who', '203.0.113.10', '-s', STORE)):
        masked = teiten(*words).out
        for secret in ('xc3511', 'Hanako', 'taro.yamada'):
            assert secret not in masked, masked
        contains(masked, 'x… (5-8 characters)', '--credentials')
        contains(teiten(*words, '--credentials').out, 'xc3511', 'Hanako-1964')
        contains(teiten(*words, '--json').out, 'xc3511', 'Hanako-1964')


def test_who():
    who = teiten('who', '203.0.113.10', '-s', STORE, '--json').json()[0]
    equal(who['protocols'], [{'protocol': 'telnet', 'sessions': 27, 'software': ''}])
    equal([(r['user'], r['count']) for r in who['logins']],
          [('admin', 27), ('root', 27), ('admin', 13)])
    equal(who['commands'][0]['count'], 13)
    equal(who['payloads'][0]['cpu'], 'mips-be')
    equal((who['country'], who['asn'], who['sensors']), ('BR', 64500, 2))
    contains(teiten('who', '203.0.113.10', '-s', STORE, '--lang', 'ja').out, '認証の試行',
             'コマンド', 'バイト')


# ---- the report -----------------------------------------------------------------------------------

def report(*words):
    return teiten('report', 'weekly', '-s', STORE, *PERIOD, *words)


def test_report_sections():
    ja = report('--lang', 'ja').out
    contains(ja, '○ 通信プロトコル別', '○ よく使われたID・パスワード', '○ 注目される通信',
             'MQTTの接続要求は1日・1IPアドレス当たり0.17件で、その66.7%は')
    contains(report('--lang', 'en').out, 'Login names and passwords tried', 'Protocols',
             'Worth noting')
    facts = {f['id']: f['value'] for f in report('--json').json()['facts']}
    days = 4 * 7 + 8 * 6 + 4 * 7 # address days of alpha, beta, gamma
    near(facts['sessions.rate'], 96 / days)
    near(facts['logins.rate'], 168 / days)
    near(facts['logins.sources'], 7)
    near(facts['protocol.telnet.rate'], 78 / days)
    near(facts['event.mqtt.connect.anonymous.rate'], 12 / days)
    near(facts['mqtt.connect.anonymous.share'], 100 * 12 / 18)


def test_report_without_visitors():
    dark = make_store('dark')
    for lang in ('ja', 'en'):
        out = teiten('report', 'weekly', '-s', dark, *PERIOD, '--lang', lang).out
        for heading in ('送られてきた', 'パスワード', 'What visitors said', 'Login names'):
            assert heading not in out


def test_report_withholds():
    """Nothing that few tried, and nothing restricted, in any file of a report."""
    report('-o', path('out'))
    whole = ''
    for name in sorted(os.listdir(path('out'))):
        whole += read(os.path.join('out', name))
    contains(whole, 'xc3511', 'logins_with_credentials')
    for secret in ('Hanako', 'only-one-source', 'taro.yamada', 'meter', 'bins.sh', 'wget',
                   'secret-of-the-payload', '203.0.113', '198.51.100.8'):
        assert secret not in whole, secret
    tables = {kind: read(os.path.join('out', f'period-2026-10-08.{kind}.csv'))
              for kind in ('users', 'passwords', 'logins', 'protocols', 'events')}
    equal(tables['users'].splitlines(),
          ['rank,previous_rank,user,tries,sources,sensors_seen,sensors_seen_of,share',
           '1,1,admin,84,6,2,3,50', f'2,2,root,78,6,2,3,{7800 / 168!r}'])
    contains(tables['passwords'], '1,1,shape.mail,78', '2,2,xc3511,78')
    contains(read(os.path.join('out', 'period-2026-10-08.ja.md')), '(メールアドレスの形式)',
             'このほかに2種類(12件の試行)あります')


def test_threshold_is_configured():
    with open(path('strict.yaml'), 'w', encoding='utf-8') as f:
        f.write('privacy: { login_min_sources: 7 }\n')
    strict = report('-c', path('strict.yaml'), '--lang', 'ja').out
    contains(strict.replace('\n', ''), 'ID3種類及びパスワード4種類は、掲載の基準(送信元IPアドレス7個以上')
    assert 'xc3511' not in strict
    with open(path('loose.yaml'), 'w', encoding='utf-8') as f:
        f.write('privacy: { login_min_sources: 1, login_min_sensors: 1 }\n')
    # One source is of one network (AS) still.
    assert 'Hanako' not in report('-c', path('loose.yaml')).out


# ---- observed addresses ---------------------------------------------------------------------------

OBSERVED = bytes([192, 0, 2, 10])
SOURCE = bytes([203, 0, 113, 99])


def checksum(data):
    total = sum(struct.unpack(f'!{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def packet(source, destination, sport, dport, seq, ack, flags, data=b''):
    tcp = struct.pack('!HHIIBBHHH', sport, dport, seq, ack, 5 << 4, flags, 64240, 0, 0) + data
    ip = struct.pack('!BBHHHBBH', 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0) + source + destination
    return ip[:10] + struct.pack('!H', checksum(ip)) + ip[12:] + tcp


def stream(sport, dport, data):
    """A client that says data and a host that only acknowledges."""
    yield packet(SOURCE, OBSERVED, sport, dport, 100, 0, 0x02)
    yield packet(OBSERVED, SOURCE, dport, sport, 500, 101, 0x12)
    yield packet(SOURCE, OBSERVED, sport, dport, 101, 501, 0x18, data)
    yield packet(OBSERVED, SOURCE, dport, sport, 501, 101 + len(data), 0x10)
    yield packet(SOURCE, OBSERVED, sport, dport, 101 + len(data), 501, 0x11)
    yield packet(OBSERVED, SOURCE, dport, sport, 501, 102 + len(data), 0x11)


FORMS = ('192.0.2.10', '192%2e0%2e2%2e10', '0xc000020a', 'c000020a', '::ffff:192.0.2.10')


def capture(name):
    conversations = []
    for form in FORMS:
        conversations.append((80, f'GET /cgi?host={form}&cmd=wget+http://{form}/x HTTP/1.1\r\n'
                                  f'Host: {form}\r\nUser-Agent: probe {form}\r\n'
                                  f'Authorization: Basic dXNlcjoxOTIuMC4yLjEw\r\n\r\n'))
        conversations.append((21, f'USER {form}\r\nPASS pass@{form}\r\nSTOR {form}\r\n'))
        conversations.append((6379, f'*2\r\n$4\r\nAUTH\r\n${len(form)}\r\n{form}\r\n'))
        conversations.append((25, f'EHLO {form}\r\nMAIL FROM:<a@[{form}]>\r\n'))
        conversations.append((554, f'DESCRIBE rtsp://{form}/live RTSP/1.0\r\nCSeq: 1\r\n\r\n'))
        conversations.append((5060, f'OPTIONS sip:100@{form} SIP/2.0\r\nTo: <sip:100@{form}>\r\n'
                                    f'User-Agent: {form}\r\nCSeq: 1 OPTIONS\r\n\r\n'))
    with open(path(name), 'wb') as f:
        f.write(struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101))
        moment = 1790812800
        for number, (port, text) in enumerate(conversations):
            for one in stream(30000 + number, port, text.encode()):
                moment += 1
                f.write(struct.pack('<IIII', moment, 0, len(one), len(one)) + one)
    return path(name)


def test_no_observed_address_is_stored():
    store = path('leak')
    teiten('analyze', '-q', '-r', capture('leak.pcap'), '--sensor-net', '192.0.2.0/28', '-s', store)
    tables = ('sensor', 'flow', 'coverage', 'port_quarter', 'source_day', 'country_day',
              'victim_day', 'session', 'login', 'command', 'payload', 'event')
    seen = {}
    for table in tables:
        for row in teiten('sql', f'SELECT * FROM {table}', '-s', store, '--json').json():
            for column, value in row.items():
                # The first bytes as they came are restricted and never leave by themselves.
                if (table, column) == ('session', 'payload') or not isinstance(value, str):
                    continue
                seen[table] = True
                for form in FORMS:
                    assert form not in value.lower(), f'{table}.{column}: {value!r}'
    # The test means nothing when nothing was stored.
    for table in ('session', 'event', 'login'):
        assert seen.get(table), table


main(globals())
