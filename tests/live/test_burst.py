"""Many at once, and deaths: nothing that was answered is lost, and nothing is stored twice."""
import os
import selectors
import signal
import socket
import time

from live import PATIENCE_S, Sensor, equal, main, raise_descriptors, wait_for

LOGINS = 5000
PORT = 23


class Visitor:
    """One telnet login: waits for each prompt, then says the next line."""

    def __init__(self, address, name):
        self.name = name
        self.stage = 0 # prompts seen
        self.buffer = b''
        self.said_at = 0.0
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.connect_ex(address)

    def read(self):
        """False when it is over."""
        try:
            part = self.socket.recv(4096)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if not part:
            return False
        self.buffer += part
        words = (b'ogin:', b'assword:', b'ncorrect')
        if self.stage < 3 and words[self.stage] in self.buffer:
            self.buffer = b''
            self.stage += 1
            if self.stage == 1:
                self.socket.send(self.name.encode() + b'\r\n')
            elif self.stage == 2:
                self.socket.send(b'pw-' + self.name.encode() + b'\r\n')
            else:
                self.said_at = time.monotonic()
                return False
        return True


def visit(sensor, names, seconds=PATIENCE_S):
    """All of them at the same time; the visitors."""
    selector = selectors.EpollSelector()
    visitors = []
    for name in names:
        visitor = Visitor((sensor.address, sensor.port(PORT)), name)
        visitors.append(visitor)
        selector.register(visitor.socket, selectors.EVENT_READ, visitor)
    left = len(visitors)
    end = time.monotonic() + seconds
    while left and time.monotonic() < end:
        for key, _ in selector.select(0.2):
            if not key.data.read():
                selector.unregister(key.data.socket)
                left -= 1
                if not key.data.said_at: # those that are through stay open
                    key.data.socket.close()
    return visitors


def start():
    sensor = Sensor(respond='sessions: 20000, protocols: { telnet: [23] }')
    return sensor.start()


def check_logins(sensor, must, may):
    rows = sensor.sql('SELECT "user", password, count(*) AS n FROM login GROUP BY 1, 2')
    twice = [row for row in rows if row['n'] != 1]
    equal(twice[:5], [])
    found = {row['user'] for row in rows}
    equal(sorted(must - found)[:5], [])
    equal(sorted(found - may)[:5], [])
    equal([row for row in rows if row['password'] != 'pw-' + row['user']][:5], [])


def test_burst_and_power_loss():
    count = min(LOGINS, raise_descriptors(LOGINS + 500) - 500)
    sensor = start()
    begun = time.monotonic()
    visitors = visit(sensor, [f'u{i}' for i in range(count)])
    seconds = time.monotonic() - begun
    equal(sum(v.stage >= 1 for v in visitors), count) # everybody was asked
    equal(sum(v.stage == 3 for v in visitors), count) # and heard
    print(f'# {count} logins at once: {seconds:.1f} s')
    wait_for('the rows', lambda: sensor.worker('store')['status']['rows']['login'] == count)
    time.sleep(1.1) # what is that old is on the disk
    equal(sensor.counter('lost_rows'), 0)
    sensor.kill()
    for v in visitors:
        v.socket.close()
    names = {v.name for v in visitors}
    sensor.start()
    check_logins(sensor, names, names)
    sensor.stop()
    check_logins(sensor, names, names)


def death_of(worker):
    sensor = start()
    before = sensor.restarts()
    visitors = []
    killed_at = 0.0
    for wave in range(6):
        if wave == 3:
            sensor.settle('login')
            os.kill(sensor.pids()[worker], signal.SIGKILL)
            killed_at = time.monotonic()
        visitors += visit(sensor, [f'{worker[0]}{wave}-{i}' for i in range(100)])
        time.sleep(0.4)
    wait_for('restart', lambda: sensor.restarts() > before and sensor.up())
    visitors += visit(sensor, [f'after{i}' for i in range(50)])
    through = {v.name for v in visitors if v.said_at}
    for v in visitors:
        v.socket.close()
    sensor.stop()
    must = {v.name for v in visitors if v.said_at
            and (v.said_at < killed_at - 1 or v.name.startswith('after'))}
    equal(len([name for name in must if name.startswith('after')]), 50)
    if len(must) < 150:
        raise AssertionError(f'only {len(must)} were through in time')
    check_logins(sensor, must, {v.name for v in visitors})
    print(f'# {len(through)} of {len(visitors)} were through')
    return len(through), len(visitors)


def test_death_of_respond():
    death_of('respond')


def test_death_of_store():
    through, all_of_them = death_of('store')
    equal(through, all_of_them) # the responder goes on meanwhile


main(globals())
