"""Two network namespaces joined by a veth pair: a sensor lives in one, visitors in the other.

Addresses are those of documentation (RFC 5737, 3849), and nothing leads out of the namespaces.
"""
import atexit
import contextlib
import ctypes
import json
import os
import subprocess

from live import ROOT, Skip, need

CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)
SENSOR4, SENSOR6 = '192.0.2.8/29', '2001:db8:8::/64'
SENSOR_MAC, VISITOR_MAC = '02:00:00:00:00:08', '02:00:00:00:00:01'


def run(*words, check=True, stdin=None):
    done = subprocess.run(words, capture_output=True, text=True, check=False, input=stdin,
                          timeout=600)
    if check and done.returncode:
        raise AssertionError(f'{" ".join(words)}: {done.stderr.strip()}')
    return done.stdout


class Network:
    """`quiet`: the kernel sends nothing by itself on the pair, so that packets can be counted."""
    count = 0

    def __init__(self, quiet=True, mtu=1500):
        if not ROOT:
            raise Skip('network namespaces are root\'s')
        need('ip')
        Network.count += 1
        name = f'teiten-{os.getpid()}-{Network.count}'
        self.sensor, self.visitor = name + 's', name + 'v'
        atexit.register(self.close)
        done = subprocess.run(['ip', 'netns', 'add', self.sensor], capture_output=True, text=True,
                              check=False)
        if done.returncode:
            raise Skip(f'no network namespaces here: {done.stderr.strip()}')
        run('ip', 'netns', 'add', self.visitor)
        # The kernel's own multicast listener reports would be in the counts.
        for space in (self.sensor, self.visitor) if quiet else ():
            run('ip', 'netns', 'exec', space, 'sh', '-c',
                'echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6')
        self.quiet, self.mtu = quiet, mtu
        self.pair()

    def pair(self):
        """The two ends; again after they were deleted."""
        run('ip', '-n', self.sensor, 'link', 'add', 'veth0', 'mtu', str(self.mtu),
            'address', SENSOR_MAC, 'type', 'veth', 'peer', 'name', 'veth0', 'mtu', str(self.mtu),
            'address', VISITOR_MAC, 'netns', self.visitor)
        for space in (self.sensor, self.visitor):
            run('ip', '-n', space, 'link', 'set', 'lo', 'up')
            if self.quiet:
                run('ip', '-n', space, 'link', 'set', 'veth0', 'arp', 'off')
            run('ip', '-n', space, 'link', 'set', 'veth0', 'up')

    def address(self, *sensor):
        """Gives the sensor's side these addresses and the visitor's 192.0.2.1 and 2001:db8::1."""
        for text in sensor:
            run('ip', '-n', self.sensor, 'addr', 'add', text, 'dev', 'veth0',
                *(['nodad'] if ':' in text else []))
        run('ip', '-n', self.sensor, 'addr', 'add', '198.51.100.2/24', 'dev', 'veth0')
        run('ip', '-n', self.sensor, 'addr', 'add', '2001:db8::2/64', 'dev', 'veth0', 'nodad')
        run('ip', '-n', self.visitor, 'addr', 'add', '198.51.100.1/24', 'dev', 'veth0')
        run('ip', '-n', self.visitor, 'addr', 'add', '2001:db8::1/64', 'dev', 'veth0', 'nodad')
        run('ip', '-n', self.visitor, 'route', 'add', SENSOR4, 'via', '198.51.100.2')
        run('ip', '-n', self.visitor, 'route', 'add', SENSOR6, 'via', '2001:db8::2')

    def prefix(self):
        return ['ip', 'netns', 'exec', self.sensor]

    def visitor_prefix(self):
        return ['ip', 'netns', 'exec', self.visitor]

    def in_sensor(self, *words, **options):
        return run('ip', 'netns', 'exec', self.sensor, *words, **options)

    def in_visitor(self, *words, **options):
        return run(*self.visitor_prefix(), *words, **options)

    @contextlib.contextmanager
    def visiting(self, space=None):
        """Sockets made inside belong to the visitor's namespace, also afterwards."""
        here = os.open('/proc/thread-self/ns/net', os.O_RDONLY)
        there = os.open(f'/run/netns/{space or self.visitor}', os.O_RDONLY)
        try:
            if LIBC.setns(there, CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), 'setns')
            yield
        finally:
            LIBC.setns(here, CLONE_NEWNET)
            os.close(here)
            os.close(there)

    def sent(self):
        """Packets that the visitor's end has given to the sensor's."""
        return self.statistics(self.visitor)['tx']['packets']

    def arrived(self):
        return self.statistics(self.sensor)['rx']['packets']

    @staticmethod
    def statistics(space):
        return json.loads(run('ip', '-n', space, '-s', '-j', 'link', 'show', 'veth0'))[0]['stats64']

    def close(self):
        for space in (self.sensor, self.visitor):
            subprocess.run(['ip', 'netns', 'del', space], capture_output=True, check=False)
