"""Several packet rings: each visitor has one, and together they record what one ring records."""
import fcntl
import ipaddress
import os
import random
import signal
import socket
import struct
import time

from frames import MANY, NETS, SYN, UDP, captures, compare, counts, datagram, ethernet, flood, \
    found_captures, framed, packet, replay, transport_of, wait_counts, watch, write_pcap
from live import FOLDER, Skip, contains, equal, main, teiten, wait_for
from netns import Network

FACTORS = 0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f
WORD = 0xffffffff
ICMP, ICMP6 = 1, 58


def rings(count):
    return f'capture: {{ interface: veth0, rings: {count} }}\n'


# ---- which ring it should be --------------------------------------------------------------------

def seed_of(sensor):
    h = 0x811c9dc5
    with open(os.path.join(sensor.store, 'persona'), 'rb') as file:
        for byte in file.read():
            h = (h ^ byte) * 0x01000193 & WORD
    return h


def ring_of(visitor, seed, count):
    """As src/capture/fanout.h says, written down a second time."""
    ip = ipaddress.ip_address(visitor)
    number = int(ip) if ip.version == 6 else 0xffff << 32 | int(ip)
    h = seed
    for i, factor in enumerate(FACTORS):
        h += (number >> (96 - 32 * i) & WORD) * factor
    h &= WORD
    for shift, product in ((16, 0x85ebca6b), (13, 0xc2b2ae35)):
        h = (h ^ h >> shift) * product & WORD
    return (h ^ h >> 16) % count


def expected(visitors, sensor, count, times=1):
    """Packets in each ring; a visitor of None is what has none."""
    seed = seed_of(sensor)
    numbers = [0] * count
    for visitor in visitors:
        numbers[ring_of(visitor, seed, count) if visitor else 0] += times
    return numbers


def received(sensor):
    return [c['received'] for c in captures(sensor)]


def wait_rings(sensor, numbers):
    wait_counts(sensor, sum(numbers))
    equal(received(sensor), numbers)
    for c in captures(sensor):
        equal(c['read'], c['counted'] + sum(c['dropped'].values()))


# ---- packets ------------------------------------------------------------------------------------

def quoting(reporter, observed, visitor):
    """An ICMP error about a datagram that an observed address sent to the visitor."""
    v6 = ':' in visitor
    body = struct.pack('>BBHI', 1 if v6 else 3, 4 if v6 else 3, 0, 0) \
        + datagram(observed, visitor, UDP, transport_of(UDP, 53, 40000))
    return framed(datagram(reporter, observed, ICMP6 if v6 else ICMP, body))


def echo(src, dst):
    v6 = ':' in src
    return framed(datagram(src, dst, ICMP6 if v6 else ICMP,
                           struct.pack('>BBHHH', 128 if v6 else 8, 0, 0, 1, 1)))


def send_from_sensor(network, frames):
    with network.visiting(network.sensor), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        s.bind(('veth0', 0))
        for frame in frames:
            s.send(frame)


def visitors(count):
    return [f'203.0.113.{n % 256}' if n % 3 else f'2001:db8:{n:x}::1' for n in range(count)]


def observed_for(visitor):
    return '2001:db8:8::9' if ':' in visitor else '192.0.2.9'


# ---- tests --------------------------------------------------------------------------------------

def check_each_visitor_has_its_ring(count):
    network = Network()
    sensor = watch(network, rings(count))
    equal(len(captures(sensor)), count)
    frames, whose = [], []
    for n, visitor in enumerate(visitors(120)):
        ours = observed_for(visitor)
        frames += [packet(visitor, ours), packet(visitor, ours, UDP, 5000 + n, 53, vlan=7),
                   echo(visitor, ours),
                   # Two tags; the kernel takes one off.
                   ethernet(struct.pack('>HH', 9, 0x8100) + packet(visitor, ours, vlan=8)[14:],
                            0x88a8),
                   quoting('2001:db8:ffff::1' if ':' in visitor else '198.51.100.77', ours,
                           visitor),
                   # On a mirrored port answers come in as well.
                   packet(ours, visitor, SYN, 23, 40000),
                   # Between others: its source's.
                   packet(visitor, '2001:db8:9::1' if ':' in visitor else '192.0.2.99')]
        whose += [visitor] * 7
    frames += [ethernet(b'\0' * 46, 0x88b5)] * 5
    whose += [None] * 5
    numbers = expected(whose, sensor, count, 3)
    flood(network, frames, 3 * len(frames))
    wait_rings(sensor, numbers)
    # What leaves through the interface is the visitor's, too.
    send_from_sensor(network, [packet(observed_for(v), v, UDP, 53, 4000) for v in visitors(120)])
    numbers = [a + b for a, b in zip(numbers, expected(visitors(120), sensor, count))]
    wait_rings(sensor, numbers)
    if min(numbers) == 0:
        raise AssertionError(numbers)
    equal(counts(sensor)['dropped'], {'not-ip': 15, 'not-observed': 360, 'outbound': 480})
    for lang, line in (('en', f'ring {count}: {numbers[-1]} received, 0 lost'),
                       ('ja', f'リング {count}: 受信 {numbers[-1]}、取りこぼし 0')):
        contains(teiten('sensor', 'status', '-s', sensor.store, '--lang', lang).stdout, line)
    sensor.stop()


def test_each_visitor_has_its_ring():
    check_each_visitor_has_its_ring(2)
    check_each_visitor_has_its_ring(4)


def test_one_for_each_processor():
    network = Network()
    sensor = watch(network, rings(0))
    count = min(os.cpu_count(), 8)
    frames = [packet(v, observed_for(v)) for v in visitors(60)]
    flood(network, frames, 60)
    wait_rings(sensor, expected(visitors(60), sensor, count))
    sensor.stop()


def check_rings_and_file_agree(count):
    network = Network()
    sensor = watch(network, rings(count))
    rng = random.Random(count)
    answers, frames = [], []
    # First what is answered, so that a conversation is known when it goes on.
    for n, visitor in enumerate(visitors(90)):
        ours = observed_for(visitor)
        answers += [packet(ours, visitor, UDP, 53, 40000),
                    packet(ours, visitor, SYN, 23, 3000 + n)]
        ack = transport_of(SYN, 40001, 23)
        frames += [packet(visitor, ours, UDP, 40000, 53),
                   framed(datagram(visitor, ours, SYN, ack[:13] + b'\x10' + ack[14:])),
                   quoting('2001:db8:ffff::1' if ':' in visitor else '198.51.100.77', ours,
                           visitor),
                   quoting(visitor, ours, '2001:db8:5::5' if ':' in visitor else '198.51.100.5')]
    for _ in range(3000):
        v6 = rng.randrange(4) == 0
        frames.append(packet(f'2001:db8:1::{rng.randrange(1, 99)}' if v6
                             else f'203.0.113.{rng.randrange(256)}',
                             f'2001:db8:8::{rng.randrange(1, 9)}' if v6
                             else f'192.0.2.{rng.randrange(6, 18)}', rng.choice((SYN, SYN, UDP)),
                             rng.randrange(1024, 65536), rng.choice((22, 23, 53, 80, 5060)),
                             rng.choice((None, None, 7)), rng.randrange(1 << 32)))
    send_from_sensor(network, answers)
    wait_counts(sensor, len(answers))
    flood(network, frames, len(frames))
    wait_counts(sensor, len(answers) + len(frames))
    sensor.stop()
    compare(sensor, write_pcap('same.pcap', answers + frames), NETS)
    classes = sensor.sql('SELECT "class", sum(packets) AS n FROM flow GROUP BY 1 ORDER BY 1')
    equal(len(classes), 4)


def test_rings_and_file_agree():
    check_rings_and_file_agree(2)
    check_rings_and_file_agree(4)


def test_replayed_captures():
    for number, (path, net) in enumerate(found_captures()):
        replay(path, net, rings(4 if number % 2 else 2))


def test_everything_sent_is_counted_or_lost():
    network = Network()
    sensor = watch(network, rings(2))
    rng = random.Random(1)
    frames = [packet(f'203.0.113.{rng.randrange(256)}', f'192.0.2.{8 + rng.randrange(8)}',
                     sport=rng.randrange(1024, 65536), dport=rng.choice((22, 23, 80, 445)))
              for _ in range(20000)]
    seconds = flood(network, frames, MANY)
    c = wait_counts(sensor, MANY)
    equal(network.arrived(), MANY)
    equal(c['received'], MANY)
    equal(c['read'] + c['kernel_drops'], MANY)
    equal(c['read'], c['counted'])
    print(f'# {MANY / seconds / 1e6:.2f} Mpps sent, {c["kernel_drops"] / MANY:.1%} lost by the '
          f'kernel, rings {received(sensor)}')
    sensor.stop()
    equal(sensor.sql('SELECT sum(packets_read) AS read, sum(packets_counted) AS counted, '
                     'sum(kernel_drops) AS lost FROM coverage')[0],
          {'read': c['read'], 'counted': c['counted'], 'lost': c['kernel_drops']})
    equal(sensor.sql('SELECT sum(packets) AS n FROM flow')[0]['n'], c['counted'])
    once_each(sensor)


def test_observed_addresses_have_one_number():
    """Of a large network they are numbered as they are seen, by each ring in another order."""
    network = Network()
    sensor = watch(network, rings(2))
    seed = seed_of(sensor)
    asker = {ring_of(v, seed, 2): v for v in visitors(60) if ':' in v}
    ours = [f'2001:db8:8::{n:x}00' for n in range(1, 21)]

    def ask(there, ring):
        return [packet(asker[ring], address, dport=1000 + ours.index(address))
                for address in there]

    def numbers():
        """Bits of each address, by the port it was asked at."""
        rows = sensor.sql('SELECT port, min(dst_bits) AS low, max(dst_bits) AS high, '
                          'sum(packets) AS n FROM flow WHERE port >= 1000 GROUP BY 1 ORDER BY 1')
        equal([row['low'] for row in rows], [row['high'] for row in rows])
        return [(row['low'], row['n']) for row in rows]

    sent = ask(ours, 0) + ask(ours[::-1], 1)
    flood(network, sent, len(sent))
    wait_counts(sensor, len(sent))
    # The store's successor knows what was told before.
    sensor.settle('flow') # what it has is in its journal; more comes six seconds after a minute
    wait_for('no end of a minute', lambda: not 4 < time.time() % 60 < 10)
    os.kill(sensor.pids()['store'], signal.SIGKILL)
    wait_for('another store', lambda: sensor.log().count('teiten-sensor: ready\n') == 2)
    sensor.stop()
    found = numbers()
    equal([n for _, n in found], [2] * 20)
    equal(len({bits for bits, _ in found}), 20)
    equal({bin(int(bits)).count('1') for bits, _ in found}, {1})
    # Another day, another order.
    sensor.start()
    sent = ask(ours[5:] + ours[:5], 0) + ask(ours, 1)
    flood(network, sent, len(sent))
    wait_counts(sensor, len(sent))
    sensor.stop()
    equal(numbers(), [(bits, 4) for bits, _ in found])


RULES = '''alert tcp any any -> $HOME_NET 23 (msg:"by source"; flags:S; \\
    threshold: type limit, track by_src, count 1, seconds 86400; sid:1;)
alert tcp any any -> $HOME_NET 23 (msg:"by destination"; flags:S; \\
    threshold: type limit, track by_dst, count 1, seconds 86400; sid:2;)
'''


def test_signatures_and_reload():
    network = Network()
    sensor = watch(network, rings(2) + f'signatures: {{ rules: [{FOLDER}/two.rules] }}\n',
                   rules=RULES)
    ready = lambda: [c['rules'] for c in captures(sensor)] == [2, 2]
    wait_for('rules', ready)
    there = [v for v in visitors(60) if '.' in v]
    frames = [packet(v, '192.0.2.9') for v in there]
    before = sum(received(sensor))
    flood(network, frames, 5 * len(frames))
    wait_for('alerts', lambda: sum(c['alerts'] for c in captures(sensor)) == len(there) + 2
             and sum(received(sensor)) - before == 5 * len(frames))
    # Who is observed is another question after a reload: what comes from there is now an answer.
    answers = [packet('192.0.2.99', v, SYN, 23, 40000) for v in there]
    numbers = received(sensor)
    flood(network, answers, len(answers))
    wait_rings(sensor, [a + b for a, b in zip(numbers, expected(['192.0.2.99'] * len(there),
                                                                sensor, 2))])
    sensor.address += ', 192.0.2.96/28'
    sensor.configure()
    pids = sensor.pids()
    sensor.process.send_signal(signal.SIGHUP)
    wait_for('the reload', lambda: sensor.log().count('reloaded\n') == 1)
    wait_for('successors', lambda: all(sensor.pids()[n] != pids[n] and ready()
                                       for n in ('capture-1', 'capture-2')))
    wait_for('their status', lambda: sum(received(sensor)) == 0)
    flood(network, answers, len(answers))
    wait_rings(sensor, expected(there, sensor, 2))
    sensor.stop()
    rows = sensor.sql('SELECT sid, count(*) AS n, count(*) FILTER (WHERE suppressed = 0) AS raised '
                      'FROM alert GROUP BY 1 ORDER BY 1')
    # Of a visitor everything is in one ring; an observed address is in both.
    equal(rows, [{'sid': 1, 'n': 5 * len(there), 'raised': len(there)},
                 {'sid': 2, 'n': 5 * len(there), 'raised': 2}])


def intervals(sensor):
    return [(r['a'] / 1e6, r['b'] / 1e6) for r in sensor.sql(
        'SELECT epoch_us(time) AS a, epoch_us("end") AS b FROM coverage ORDER BY 1')]


def once_each(sensor):
    """No moment is in two intervals."""
    rows = intervals(sensor)
    for before, after in zip(rows, rows[1:]):
        if after[0] < before[1]:
            raise AssertionError(f'{before} and {after}')


def frames_by_ring(sensor, count):
    """A packet of 60 visitors, by the ring of each."""
    seed = seed_of(sensor)
    found = [[] for _ in range(count)]
    for visitor in visitors(60):
        found[ring_of(visitor, seed, count)].append(packet(visitor, observed_for(visitor)))
    return found


def test_what_one_ring_loses_is_told():
    network = Network()
    sensor = watch(network, rings(2))
    mine, others = frames_by_ring(sensor, 2)
    pid = sensor.pids()['capture-1']
    os.kill(pid, signal.SIGSTOP)
    flood(network, mine, 150000)
    flood(network, others, 1000)
    wait_for('the other ring', lambda: captures(sensor)[1]['counted'] == 1000)
    os.kill(pid, signal.SIGCONT)
    c = wait_counts(sensor, 151000)
    equal(received(sensor), [150000, 1000])
    equal(c['read'] + c['kernel_drops'], 151000)
    if not 10000 < captures(sensor)[0]['kernel_drops'] < 140000:
        raise AssertionError(captures(sensor))
    equal(captures(sensor)[1]['kernel_drops'], 0)
    sensor.stop()
    equal(sensor.sql('SELECT sum(packets_counted) AS counted, sum(kernel_drops) AS lost '
                     'FROM coverage')[0], {'counted': c['counted'], 'lost': c['kernel_drops']})
    once_each(sensor)


def by_visitor(sensor, frames):
    """Packets recorded of those who send the frames."""
    there = {str(ipaddress.ip_address(f[22:38] if f[12] == 0x86 else f[26:30])) for f in frames}
    rows = sensor.sql('SELECT ipText(src_hi, src_lo) AS src, sum(packets) AS n FROM flow '
                      'GROUP BY 1')
    return sum(r['n'] for r in rows if r['src'] in there)


def test_a_worker_is_killed():
    network = Network()
    sensor = watch(network, rings(2))
    mine, others = frames_by_ring(sensor, 2)
    flood(network, mine, 100)
    flood(network, others, 100)
    wait_rings(sensor, [100, 100])
    wait_for('coverage', lambda: sensor.worker('store')['status']['rows']['coverage'])
    pid = sensor.pids()['capture-1']
    dead = [time.time()]
    os.kill(pid, signal.SIGKILL)
    dead.append(time.time() + 0.15) # it is started again 0.2 s later
    flood(network, mine, 300)       # some of it waits in the ring for the successor
    flood(network, others, 300)
    wait_for('its successor', lambda: sensor.pids().get('capture-1', pid) != pid)
    flood(network, mine, 500)
    flood(network, others, 500)
    # The kernel still deals the same; the successor has read what was left, and nobody else did.
    wait_for('everything', lambda: captures(sensor)[1]['read'] == 900
             and captures(sensor)[0]['read'] == 800)
    equal(sensor.restarts(), 1)
    contains(sensor.log(), 'teiten-capture 1 ended (signal 9)')
    sensor.stop()
    equal(by_visitor(sensor, others), 900)
    if not 800 <= by_visitor(sensor, mine) <= 900:
        raise AssertionError(by_visitor(sensor, mine))
    rows = intervals(sensor)
    for a, b in rows:
        if a < dead[1] and b > dead[0]:
            raise AssertionError(f'{a} to {b} is observed, but {dead} was not')
    if not any(b <= dead[0] for a, b in rows) or not any(a >= dead[1] for a, b in rows):
        raise AssertionError(f'{rows}, dead {dead}')
    once_each(sensor)


def test_no_count_is_lost_with_a_ring():
    network = Network()
    sensor = watch(network, rings(2))
    _, others = frames_by_ring(sensor, 2)
    wait_for('coverage', lambda: sensor.worker('store')['status']['rows']['coverage'])
    flood(network, others, 100)
    wait_rings(sensor, [0, 100])
    os.kill(sensor.pids()['capture-1'], signal.SIGKILL)
    sensor.stop() # before it is back, or just then
    equal(sensor.sql('SELECT sum(packets_counted) AS n FROM coverage')[0]['n'], 100)
    teiten('db', 'verify', '-s', sensor.store)
    once_each(sensor)


def test_filter():
    network = Network()
    sensor = watch(network, 'capture: { interface: veth0, rings: 2, filter: "tcp and not port 22" }\n')
    flood(network, [packet(v, observed_for(v), proto, dport=port) for v in visitors(60)
                    for proto in (SYN, UDP) for port in (22, 23)], 240)
    wait_rings(sensor, expected(visitors(60), sensor, 2))
    sensor.stop()


def test_tunnel():
    """An interface without Ethernet headers."""
    network = Network()
    with network.visiting(network.sensor):
        try:
            tun = os.open('/dev/net/tun', os.O_RDWR)
            fcntl.ioctl(tun, 0x400454ca, struct.pack('16sH22x', b'tun0', 0x1001)) # TUN, no head
        except OSError as error:
            raise Skip(f'no tunnels here: {error}') from None
    network.in_sensor('ip', 'link', 'set', 'tun0', 'up')
    sensor = watch(network, 'capture: { interface: tun0, rings: 4 }\n')
    for visitor in visitors(60):
        os.write(tun, packet(visitor, observed_for(visitor))[14:])
    wait_rings(sensor, expected(visitors(60), sensor, 4))
    equal(counts(sensor)['counted'], 60)
    sensor.stop()
    os.close(tun)


def test_loopback():
    """It shows each packet twice, as leaving and as coming."""
    network = Network()
    hosts = [f'127.7.{n}.1' for n in range(30)] # as many as are answered at once
    sensor = watch(network, 'capture: { interface: lo, rings: 2 }\n', '127.9.0.0/28')
    with network.visiting(network.sensor):
        for host in hosts:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.bind((host, 0))
                s.sendto(b'hello', ('127.9.0.3', 9))
    # Each is answered that nobody is there.
    wait_for('all', lambda: counts(sensor)['counted'] == 30
             and counts(sensor)['dropped'].get('outbound') == 30)
    equal([c['counted'] for c in captures(sensor)], expected(hosts, sensor, 2))
    equal([c['dropped']['outbound'] for c in captures(sensor)], expected(hosts, sensor, 2))
    sensor.stop()


def test_interface_down_and_up():
    network = Network()
    network.in_sensor('ip', 'link', 'set', 'veth0', 'down')
    sensor = watch(network, rings(3))
    total = [0, 0, 0]

    def visit(times):
        flood(network, [packet(v, observed_for(v)) for v in visitors(99)], 99 * times)
        for ring, n in enumerate(expected(visitors(99), sensor, 3, times)):
            total[ring] += n
        wait_rings(sensor, total)

    def switch(state, said):
        network.in_sensor('ip', 'link', 'set', 'veth0', state)
        wait_for(f'it is {state}', lambda: sensor.log().count(f'veth0 is {state}\n') == said)

    switch('up', 1)
    visit(3)
    for said in range(1, 4): # the group keeps its order
        switch('down', said)
        switch('up', said + 1)
        visit(2)
    network.in_sensor('ip', 'link', 'del', 'veth0')
    wait_for('it is gone', lambda: 'veth0 is gone' in sensor.log())
    pids = sensor.pids()
    network.pair()
    wait_for('successors', lambda: all(sensor.pids().get(f'capture-{n}', pids[f'capture-{n}'])
                                       != pids[f'capture-{n}'] for n in (1, 2, 3)))
    wait_for('the captures', lambda: sensor.up() and sum(received(sensor)) == 0)
    total = [0, 0, 0]
    visit(5)
    equal(sensor.restarts(), 0)
    sensor.stop()
    once_each(sensor)
    equal(sensor.sql('SELECT sum(packets) AS n FROM flow')[0]['n'], 99 * (3 + 3 * 2 + 5))
    equal(sensor.sql('SELECT sum(packets_counted) AS n FROM coverage')[0]['n'],
          99 * (3 + 3 * 2 + 5))


main(globals())
