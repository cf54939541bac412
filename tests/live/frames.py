"""Packets made by hand, sent into a namespace as fast as the machine can; what a sensor there
recorded of them, compared with what a file of them gives."""
import ipaddress
import json
import os
import re
import struct
import time

from live import BUILD, FOLDER, SOURCE, Sensor, Skip, equal, need, teiten, wait_for
from netns import SENSOR4, SENSOR6, SENSOR_MAC, VISITOR_MAC, Network

FLOOD = os.path.join(BUILD, 'tests', 'live', 'flood')
CAPTURE = 'capture: { interface: veth0 }\n'
CORPUS = os.environ.get('TEITEN_CORPUS') or os.path.join(SOURCE, '..', 'shared', 'corpus')
MANY = int(os.environ.get('TEITEN_PACKETS', '400000'))
NETS = f'{SENSOR4}, {SENSOR6}'
SYN, UDP = 6, 17

# Captures of others, and what is observed in them.
CAPTURES = [('packets__synscan.pcapng', '64.13.134.52'), ('arkime__modbus.pcap', '10.10.5.85'),
            ('bro-simple-scan__backscatter-part1.pcap', '192.150.186.0/23'),
            ('scannerrecognition__zmap-part1.pcap', '96.0.0.0/4'),
            ('stratospherelinuxips__test7-malicious.pcap', '192.168.2.16'),
            ('ndpi__coap_mqtt.pcap', '192.168.56.101')]


def mac(text):
    return bytes.fromhex(text.replace(':', ''))


def ethernet(payload, kind, vlan=None):
    tag = struct.pack('>HH', 0x8100, vlan) if vlan is not None else b''
    return mac(SENSOR_MAC) + mac(VISITOR_MAC) + tag + struct.pack('>H', kind) + payload


def transport_of(proto, sport, dport, seq=1):
    if proto == UDP:
        return struct.pack('>HHHH', sport, dport, 8 + 5, 0) + b'hello'
    return struct.pack('>HHIIBBHHH', sport, dport, seq, 0, 5 << 4, 2, 1024, 0, 0)


def checksum(data):
    total = sum(struct.unpack(f'>{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def datagram(src, dst, proto, body):
    s, d = ipaddress.ip_address(src), ipaddress.ip_address(dst)
    if s.version == 6:
        return struct.pack('>IHBB', 6 << 28, len(body), proto, 64) + s.packed + d.packed + body
    head = struct.pack('>BBHHHBBH', 0x45, 0, 20 + len(body), 7, 0, 64, proto, 0) \
        + s.packed + d.packed
    return head[:10] + struct.pack('>H', checksum(head)) + head[12:] + body


def framed(ip, vlan=None):
    return ethernet(ip, 0x86dd if ip[0] >> 4 == 6 else 0x800, vlan)


def packet(src, dst, proto=SYN, sport=40000, dport=23, vlan=None, seq=1):
    return framed(datagram(src, dst, proto, transport_of(proto, sport, dport, seq)), vlan)


def write_frames(name, frames):
    path = os.path.join(FOLDER, name)
    with open(path, 'wb') as file:
        for frame in frames:
            file.write(struct.pack('>H', len(frame)) + frame)
    return path


def write_pcap(name, frames):
    path = os.path.join(FOLDER, name)
    with open(path, 'wb') as file:
        file.write(struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for i, frame in enumerate(frames):
            file.write(struct.pack('<IIII', 1760000000, i, len(frame), len(frame)) + frame)
    return path


def flood(network, frames, count):
    """The number sent and the seconds it took."""
    path = write_frames('frames', frames)
    out = network.in_visitor(FLOOD, 'veth0', path, str(count)).split()
    equal(int(out[0]), count)
    return float(out[1])


def watch(network, capture=CAPTURE, nets=NETS, rules=None):
    """A dark sensor there; with rules in a file that the configuration names."""
    if rules:
        with open(os.path.join(FOLDER, 'two.rules'), 'w', encoding='utf-8') as file:
            file.write(rules)
    return Sensor(address=nets, capture=capture, prefix=network.prefix(),
                  respond='enabled: false').start()


def captures(sensor):
    """What each ring's worker tells, in their order."""
    return [worker['status'] for name, worker in sorted(sensor.status()['workers'].items())
            if name.startswith('capture')]


def counts(sensor):
    """The same of all together."""
    told = captures(sensor)
    total = {name: sum(t[name] for t in told) for name, value in told[0].items()
             if isinstance(value, int)}
    reasons = {reason for t in told for reason in t['dropped']}
    total['dropped'] = {reason: sum(t['dropped'].get(reason, 0) for t in told)
                        for reason in reasons}
    return total


def wait_counts(sensor, received):
    wait_for(f'{received} packets', lambda: counts(sensor)['received'] >= received
             and counts(sensor)['read'] + counts(sensor)['kernel_drops']
             >= counts(sensor)['received'])
    time.sleep(1.2) # no more than that either
    return counts(sensor)


FLOWS = '''SELECT f.src_hi, f.src_lo, f.proto, f.port, f.class, f.tcp_flags, f.marks, f.victim_hi,
 f.victim_lo, f.country, f.asn, f.ttl, f.syn_signature, sum(f.packets) AS packets,
 sum(f.bytes) AS bytes, bit_count(bit_or(f.dst_bits)) AS dsts
 FROM flow f GROUP BY ALL ORDER BY ALL'''


def same_flows(live, files):
    columns = set(files[0]) if files else set()
    for at, (a, b) in enumerate(zip(live, files)):
        if a != b:
            raise AssertionError(f'row {at}:\nring {a}\nfile {b}\nof {columns}')
    equal(len(live), len(files))


def compare(sensor, file, observed):
    other = os.path.join(sensor.folder, 'other')
    nets = [word for net in observed.split(', ') for word in ('--sensor-net', net)]
    teiten('analyze', '-q', '-r', file, *nets, '--sensor', 'live', '-s', other)
    rows = [rows_of(store) for store in (sensor.store, other)]
    if not rows[0]:
        raise AssertionError('no flow at all')
    same_flows(*rows)


def rows_of(store):
    return json.loads(teiten('sql', '-s', store, '--json', FLOWS).stdout)


def replay(path, observed, capture):
    """A capture sent to a sensor of its own: the records are those of reading the file."""
    need('tcpreplay')
    network = Network(mtu=65535)
    sensor = watch(network, capture, observed)
    out = network.in_visitor('tcpreplay', '-q', '--topspeed', '-i', 'veth0', path)
    sent = int(re.search(r'Successful packets: *(\d+)', out).group(1))
    equal(network.arrived(), sent)
    equal(wait_counts(sensor, sent)['received'], sent)
    equal(counts(sensor)['kernel_drops'], 0)
    sensor.stop()
    compare(sensor, path, observed)
    network.close()
    print(f'# {os.path.basename(path)}: {sent} packets')


def found_captures():
    found = [(os.path.join(CORPUS, 'pcap', name), net) for name, net in CAPTURES]
    found = [(path, net) for path, net in found if os.path.exists(path)]
    if not found:
        raise Skip('no corpus of captures (TEITEN_CORPUS)')
    return found
