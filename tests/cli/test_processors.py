"""One processor or two: the threads of `teiten analyze` change nothing in any document or store.

On a machine with a single processor there is nothing to compare; tests/unit/cmd/test_relay.c
has its threads there, too.
"""
import json
import os
import random
import struct
import subprocess

from harness import FAILED, OK, TEITEN, contains, equal, main, path, teiten, write

ALL = os.sched_getaffinity(0)
START = 1790812800 # 2026-10-01T00:00:00Z
NET = ('--sensor-net', '192.0.2.0/24') # large: indices of addresses are their places
FEW_ADDRESSES = ('--sensor-net', '192.0.2.0/27') # listed as they are seen
SYN, ACK, PSH, FIN, RST = 2, 16, 8, 1, 4


def ipv4(proto, src, dst, rest):
    head = struct.pack('>BBHHHBBH4s4s', 0x45, 0, 20 + len(rest), 7, 0, 60, proto, 0, src, dst)
    return head + rest


def tcp(src, sport, dst, dport, seq, ack, flags, payload=b''):
    return ipv4(6, src, dst, struct.pack('>HHIIBBHHH', sport, dport, seq, ack, 0x50, flags, 1024, 0,
                                         0) + payload)


def udp(src, sport, dst, dport, payload):
    return ipv4(17, src, dst, struct.pack('>HHHH', sport, dport, 8 + len(payload), 0) + payload)


def visit(rng, client, server):
    """A conversation: handshake, a login or a request, sometimes much data, an end."""
    sport, dport = rng.randrange(1024, 65536), rng.choice((23, 80, 2323, 8080))
    ours, theirs = rng.randrange(1 << 31), rng.randrange(1 << 31)
    packets = [tcp(client, sport, server, dport, ours, 0, SYN),
               tcp(server, dport, client, sport, theirs, ours + 1, SYN | ACK),
               tcp(client, sport, server, dport, ours + 1, theirs + 1, ACK)]
    ours, theirs = ours + 1, theirs + 1
    if dport in (80, 8080):
        said = [(0, b'GET /%d HTTP/1.1\r\nHost: a\r\n\r\n' % rng.randrange(50)),
                (1, b'HTTP/1.1 200 OK\r\nServer: b\r\nContent-Length: 60000\r\n\r\n'),
                (1, bytes(rng.choice((100, 1400, 60000))))]
    else:
        said = [(1, b'\xff\xfd\x01login: '), (0, b'user%d\r\n' % rng.randrange(40)),
                (1, b'Password: '), (0, b'secret%d\r\n' % rng.randrange(40)), (1, b'\r\n$ '),
                (0, b'wget http://198.51.100.9/%d\r\n' % rng.randrange(9))]
    for side, data in said:
        if side == 0:
            packets.append(tcp(client, sport, server, dport, ours, theirs, PSH | ACK, data))
            ours += len(data)
        else:
            packets.append(tcp(server, dport, client, sport, theirs, ours, PSH | ACK, data))
            theirs += len(data)
    packets.append(tcp(client, sport, server, dport, ours, theirs, rng.choice((FIN | ACK, RST))))
    return packets


def capture(name, seed, visits, syns):
    """Visits that overlap, among SYNs to a telescope and datagrams; hours of them."""
    rng = random.Random(seed)
    address = lambda first: bytes((first, 51, rng.randrange(100), rng.randrange(1, 250)))
    inside = lambda: bytes((192, 0, 2, rng.randrange(1, 250)))
    open_visits, out, second = [], [struct.pack('<IHHIIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101)], 0
    while visits or open_visits:
        if visits and len(open_visits) < 30:
            visits -= 1
            open_visits.append(iter(visit(rng, address(198), inside())))
        one = rng.choice(open_visits)
        packet = next(one, None)
        if packet is None:
            open_visits.remove(one)
            continue
        batch = [packet]
        for _ in range(rng.randrange(2 * syns + 1)):
            batch.append(tcp(address(203), 4000, inside(), rng.choice((22, 23, 445)),
                             rng.randrange(1 << 32), 0, SYN))
        if rng.random() < 0.1:
            batch.append(udp(address(203), 5000, inside(), rng.choice((53, 123, 5060)),
                             rng.randbytes(rng.choice((12, 40, 1200)))))
        for data in batch:
            second += rng.random() < 0.05
            out.append(struct.pack('<IIII', START + second, rng.randrange(1000000), len(data),
                                   len(data)) + data)
    write(name, b''.join(out))
    return path(name), len(out) - 1


MANY, MANY_PACKETS = capture('many.pcap', 1, 3000, 4)
FEW, FEW_PACKETS = capture('few.pcap', 2, 20, 0)


def with_each(work):
    """What it gives with one processor and with all."""
    found = []
    for processors in ({min(ALL)}, ALL):
        os.sched_setaffinity(0, processors)
        try:
            found.append(work())
        finally:
            os.sched_setaffinity(0, ALL)
    return found


def document(*words, **options):
    """The same with one processor and with all."""
    found = with_each(lambda: teiten('analyze', '--all', '--json', *words, **options).out)
    equal(found[0] == found[1], True)
    return json.loads(found[1])


TABLES = ('flow', 'coverage', 'session', 'login', 'command', 'payload', 'event', 'alert',
          'cluster_day', 'signature')
STORES = iter(range(100))


def rows(store):
    return {table: sorted(teiten('sql', '-s', store, '--csv', f'SELECT * FROM {table}').out
                          .splitlines()) for table in TABLES}


def stored(*words, **options):
    """Rows of a store; they and the document are the same with one processor and with all."""
    def fill():
        store = path(f'store{next(STORES)}')
        found = teiten('analyze', '--all', '--json', '--no-compact', '--sensor', 'one', '-s', store,
                       *words, **options)
        return found.out, rows(store)

    found = with_each(fill)
    equal(found[0][0] == found[1][0], True)
    for table in TABLES:
        equal((table, found[0][1][table] == found[1][1][table]), (table, True))
    return found[1][1]


def test_there_is_much_to_hear():
    found = document('-r', MANY, *NET)
    equal(found['packets']['read'], MANY_PACKETS)
    equal(MANY_PACKETS > 100000, True)
    protocols = {row['protocol']: row['streams'] for row in found['protocols']}
    equal(protocols['telnet'] + protocols['http'], 3000)


def test_without_networks():
    document('-r', MANY)


def test_several_files():
    for words in ((FEW, MANY, FEW), (MANY, MANY)):
        document(*(word for name in words for word in ('-r', name)), *NET)


def test_filters():
    for words in ('tcp port 23', 'len > 1000', 'udp', 'host 192.0.2.7', 'port 1'):
        document('-r', MANY, *NET, words)


def test_standard_input():
    with open(MANY, 'rb') as f:
        document('-r', '-', *NET, stdin=f.read())


def test_damaged():
    with open(MANY, 'rb') as f:
        data = f.read()
    document('-r', write('cut.pcap', data[:len(data) // 2 + 5]), '-r', FEW, *NET, status=1)


RULES = write('test.rules', 'alert tcp any any -> any any (msg:"wget"; content:"wget http"; '
              'sid:1; rev:1;)\nalert http any any -> any any (msg:"path"; '
              'http.uri; content:"/7"; sid:2; rev:1;)\n')


def test_rules():
    found = document('-r', MANY, *NET, '--rules', RULES)
    equal(len(found['alerts']) > 0, True)


def test_store():
    found = stored('-r', MANY, *NET)
    equal(len(found['session']) > 3000, True)
    equal(len(found['flow']) > 10000, True)
    equal(len(found['login']) > 1000 and len(found['command']) > 1000, True)
    equal(len(found['alert']), 1)


def test_store_of_few_addresses():
    stored('-r', MANY, *FEW_ADDRESSES)
    stored('-r', FEW)


def test_store_of_several_files():
    stored('-r', FEW, '-r', MANY, '-r', FEW, *NET, status=(OK, FAILED)) # one is a repeat
    stored('-r', FEW, '-r', MANY, '-r', FEW, '--again', *NET)


def test_store_of_standard_input():
    """A file, for what comes through a pipe is cut into batches by chance, and the ends of
    exchanges depend on that."""
    def fill():
        store = path(f'store{next(STORES)}')
        with open(MANY, 'rb') as f:
            subprocess.run([TEITEN, 'analyze', '-q', '--no-compact', '-r', '-', *NET,
                            '--sensor', 'one', '-s', store], stdin=f, check=True, timeout=100,
                           stdout=subprocess.DEVNULL)
        return rows(store)

    found = with_each(fill)
    for table in TABLES:
        equal((table, found[0][table] == found[1][table]), (table, True))


def test_store_with_rules():
    found = stored('-r', MANY, *NET, '--rules', RULES)
    equal(len(found['alert']) > 1000, True)


def test_full_disk():
    """An error of whichever thread ends the analysis with its reason, and costs nothing else."""
    store = path('full')
    words = ('analyze', '-q', '--no-compact', '-r', MANY, *NET, '--sensor', 'one', '-s', store)
    found = subprocess.run(['bash', '-c', 'trap "" XFSZ; ulimit -f 300; exec "$@"', 'bash', TEITEN,
                            *words], capture_output=True, check=False, timeout=100)
    equal(found.returncode, FAILED)
    contains(found.stderr.decode(), 'File too large')
    teiten(*words)
    equal(rows(store)['session'], stored('-r', MANY, *NET)['session'])


main(globals())
