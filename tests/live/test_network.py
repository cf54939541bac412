"""The packet ring in a namespace: every packet sent is counted or told as lost, and the same
packets give the same records as a file of them does."""
import os
import random
import signal
import socket
import time

from frames import CAPTURE, MANY, NETS, SYN, UDP, compare, counts, ethernet, flood, \
    found_captures, packet, replay, wait_counts, watch, write_pcap
from live import cpu_seconds, equal, main, wait_for
from netns import Network


# ---- tests --------------------------------------------------------------------------------------

def test_everything_sent_is_counted_or_lost():
    network = Network()
    sensor = watch(network)
    rng = random.Random(1)
    frames = [packet(f'203.0.113.{rng.randrange(256)}', f'192.0.2.{8 + rng.randrange(8)}',
                     sport=rng.randrange(1024, 65536), dport=rng.choice((22, 23, 80, 445)))
              for _ in range(20000)]
    pid = sensor.pids()['capture']
    used = cpu_seconds(pid)
    seconds = flood(network, frames, MANY)
    c = wait_counts(sensor, MANY)
    used = cpu_seconds(pid) - used
    equal(network.sent(), MANY)
    equal(network.arrived(), MANY)
    equal(c['received'], MANY)
    equal(c['read'] + c['kernel_drops'], MANY)
    equal(c['read'], c['counted'] + sum(c['dropped'].values()))
    equal(c['dropped'], {})
    print(f'# {MANY / seconds / 1e6:.2f} Mpps sent, {c["kernel_drops"] / MANY:.1%} lost by the '
          f'kernel, {c["read"] / max(used, .01) / 1e6:.2f} M packets per processor second')
    sensor.stop()
    row = sensor.sql('SELECT sum(packets_read) AS read, sum(packets_counted) AS counted, '
                     'sum(kernel_drops) AS lost FROM coverage')[0]
    equal(row, {'read': c['read'], 'counted': c['counted'], 'lost': c['kernel_drops']})
    equal(sensor.sql('SELECT sum(packets) AS n FROM flow')[0]['n'], c['counted'])


def test_lost_packets_are_told():
    network = Network()
    sensor = watch(network)
    pid = sensor.pids()['capture']
    flood(network, [packet('203.0.113.1', '192.0.2.9')], 100)
    wait_counts(sensor, 100)
    os.kill(pid, signal.SIGSTOP) # the ring holds some, what comes then is lost
    flood(network, [packet('203.0.113.1', '192.0.2.9')], 200000)
    os.kill(pid, signal.SIGCONT)
    c = wait_counts(sensor, 200100)
    equal(c['received'], 200100)
    equal(c['read'] + c['kernel_drops'], 200100)
    if not 10000 < c['kernel_drops'] < 190000:
        raise AssertionError(c)
    sensor.stop()
    equal(sensor.sql('SELECT sum(packets_counted) AS counted, sum(kernel_drops) AS lost '
                     'FROM coverage')[0], {'counted': c['counted'], 'lost': c['kernel_drops']})


def test_what_counts():
    network = Network()
    sensor = watch(network)
    frames = [packet('203.0.113.1', '192.0.2.9'), packet('203.0.113.2', '192.0.2.15', UDP),
              packet('2001:db8:1::1', '2001:db8:8::9'),
              packet('2001:db8:1::1', '2001:db8:8::a', UDP),
              packet('203.0.113.3', '192.0.2.9', vlan=5), packet('2001:db8:1::2', '2001:db8:8::9',
                                                                 vlan=4094),
              # Not ours: other addresses, and what is no IP.
              packet('203.0.113.1', '192.0.2.16'), packet('203.0.113.1', '192.0.2.7'),
              packet('2001:db8:1::1', '2001:db8:9::9'), ethernet(b'\0' * 46, 0x88b5)]
    flood(network, frames, len(frames) * 10)
    c = wait_counts(sensor, len(frames) * 10)
    equal((c['counted'], c['access']), (60, 60))
    equal(c['dropped'], {'not-observed': 30, 'not-ip': 10})
    # What leaves through the interface is no visitor's.
    with network.visiting(network.sensor), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        s.bind(('veth0', 0))
        for _ in range(7):
            s.send(packet('192.0.2.9', '203.0.113.1', sport=23, dport=40000))
    c = wait_counts(sensor, len(frames) * 10 + 7)
    equal((c['counted'], c['dropped'].get('outbound')), (60, 7))
    sensor.stop()
    rows = sensor.sql('SELECT proto, port, sum(packets) AS n FROM flow GROUP BY 1, 2 ORDER BY 1')
    equal(rows, [{'proto': SYN, 'port': 23, 'n': 40}, {'proto': UDP, 'port': 23, 'n': 20}])


def test_filter():
    network = Network()
    sensor = watch(network, 'capture: { interface: veth0, filter: "tcp and not port 22" }\n')
    flood(network, [packet('203.0.113.1', '192.0.2.9', proto, dport=port)
                    for proto in (SYN, UDP) for port in (22, 23)], 40)
    equal(wait_counts(sensor, 10)['received'], 10)
    sensor.stop()


def coverage(sensor):
    return sensor.sql('SELECT epoch_us(time) AS a, epoch_us("end") AS b, packets_read AS n '
                      'FROM coverage ORDER BY 1')


def test_interface_down_and_up():
    network = Network()
    sensor = watch(network)
    pid = sensor.pids()['capture']
    frames = [packet('203.0.113.1', '192.0.2.9')]
    flood(network, frames, 10)
    wait_counts(sensor, 10)
    down = [time.time()]
    network.in_sensor('ip', 'link', 'set', 'veth0', 'down')
    wait_for('it is down', lambda: 'veth0 is down' in sensor.log())
    down.append(time.time())
    time.sleep(1)
    used = cpu_seconds(pid)
    time.sleep(2)
    used = cpu_seconds(pid) - used
    up = [time.time()]
    network.in_sensor('ip', 'link', 'set', 'veth0', 'up')
    wait_for('it is up', lambda: 'veth0 is up' in sensor.log())
    up.append(time.time())
    time.sleep(0.5)
    flood(network, frames, 20)
    equal(wait_counts(sensor, 30)['counted'], 30)
    equal(sensor.restarts(), 0)
    sensor.stop()
    if used > 0.2:
        raise AssertionError(f'{used} s of processor time in two seconds of nothing')
    rows = coverage(sensor)
    equal(sum(r['n'] for r in rows), 30)
    unseen = [(a['b'] / 1e6, b['a'] / 1e6) for a, b in zip(rows, rows[1:]) if b['a'] > a['b']]
    equal(len(unseen), 1)
    # From when it was done to when it was noticed; coverage is told a few times a second.
    if not all(at[0] - 0.7 < seen < at[1] + 0.7 for at, seen in zip((down, up), unseen[0])):
        raise AssertionError(f'down {down} to {up}, gap {unseen}')


def test_interface_gone_and_back():
    network = Network()
    sensor = watch(network)
    frames = [packet('203.0.113.1', '192.0.2.9')]
    flood(network, frames, 10)
    wait_counts(sensor, 10)
    network.in_sensor('ip', 'link', 'del', 'veth0')
    wait_for('it is gone', lambda: 'veth0 is gone' in sensor.log())
    time.sleep(1)
    network.pair()
    wait_for('it is back', lambda: 'veth0 is up' in sensor.log())
    wait_for('the capture', lambda: sensor.up() and counts(sensor)['received'] == 0)
    flood(network, frames, 20)
    wait_counts(sensor, 20)
    sensor.stop()
    equal(sum(r['n'] for r in coverage(sensor)), 30)


def test_other_addresses():
    """What is observed can change while it runs, also where nobody inspects."""
    network = Network()
    sensor = watch(network)
    both = [packet('198.51.100.9', '192.0.2.9'), packet('198.51.100.9', '203.0.113.9')]
    flood(network, both, 20)
    wait_counts(sensor, 20)
    equal(counts(sensor)['counted'], 10)
    sensor.address = '192.0.2.8/29, 203.0.113.8/29'
    sensor.configure()
    sensor.process.send_signal(signal.SIGHUP)
    wait_for('reload', lambda: 'reloaded' in sensor.log())
    wait_for('the successor', lambda: sensor.up() and counts(sensor)['received'] == 0)
    flood(network, both, 20)
    wait_counts(sensor, 20)
    sensor.stop()
    equal(sensor.sql('SELECT sum(packets) AS n FROM flow')[0]['n'], 30)


def test_ring_and_file_agree():
    network = Network()
    sensor = watch(network)
    rng = random.Random(2)
    frames = []
    for number in range(3000):
        proto = rng.choice((SYN, SYN, UDP))
        v6 = rng.randrange(4) == 0
        frames.append(packet(f'2001:db8:1::{rng.randrange(1, 99)}' if v6
                             else f'203.0.113.{rng.randrange(256)}',
                             f'2001:db8:8::{rng.randrange(1, 9)}' if v6
                             else f'192.0.2.{rng.randrange(6, 18)}', proto,
                             rng.randrange(1024, 65536), rng.choice((22, 23, 53, 80, 5060)),
                             rng.choice((None, None, 7)), rng.randrange(1 << 32)))
    flood(network, frames, len(frames))
    wait_counts(sensor, len(frames))
    sensor.stop()
    compare(sensor, write_pcap('same.pcap', frames), NETS)


def test_replayed_captures():
    for path, net in found_captures():
        replay(path, net, CAPTURE)


main(globals())
