"""A sensor's life: start, status, tail, SIGHUP with good and bad configurations, clean end."""
import os
import signal
import socket
import subprocess
import threading
import time

from live import BUILD, FOLDER, Sensor, Skip, contains, cpu_seconds, equal, is_sanitized, main, \
    memory_kb, read_until, teiten, telnet_login, wait_for


def test_start_answer_stop():
    sensor = Sensor(respond='protocols: { telnet: [23, 2323], http: [80] }').start()
    status = sensor.status()
    equal((status['sensor'], status['ready'], status['sockets'], status['sockets_failed']),
          ('live', True, 3, 0))
    contains(teiten('sensor', 'status', '-s', sensor.store).stdout, 'live: ready', 'respond')
    lines, listener = sensor.tail()
    telnet_login(sensor, 'root', 'vizxv')
    telnet_login(sensor, 'admin', '"x"', port=2323)
    held = sensor.connect(23)
    login = wait_for('tail', lambda: [r for r in lines if r['kind'] == 'login'
                                      and r['user'] == 'admin'])[0]
    equal((login['password'], login['port'], login['protocol'], login['source']),
          ('"x"', 2323, 'telnet', '127.0.0.1'))
    wait_for('status', lambda: sensor.counter('accepted') == 3)
    # Who asks at once sees it: nothing has to be a minute old.
    wait_for('top', lambda: 'vizxv' in teiten('top', 'logins', '-s', sensor.store, '--credentials',
                                              check=False).stdout)
    sensor.stop()
    listener.join(60)
    held.close()
    equal(sensor.sql('SELECT "user", password FROM login ORDER BY 1'),
          [{'user': 'admin', 'password': '"x"'}, {'user': 'root', 'password': 'vizxv'}])
    equal(sensor.sql('SELECT count(*) AS n FROM session')[0]['n'], 3) # the open one as well
    equal(sensor.sql('SELECT sum(packets_read) AS n FROM coverage')[0]['n'], 3)
    equal(os.path.exists(os.path.join(sensor.store, 'sensor.sock')), False)
    equal(teiten('sensor', 'status', '-s', sensor.store, check=False).returncode, 4)


def is_closed(sensor, port):
    try:
        sensor.connect(port).close()
        return False
    except (ConnectionRefusedError, ConnectionResetError):
        return True


def test_reload():
    sensor = Sensor(respond='protocols: { telnet: [23, 25] }').start()
    with sensor.connect(23) as old:
        wait_for('the session', lambda: sensor.counter('open') == 1)
        sensor.respond = 'protocols: { telnet: [24, 25] }'
        sensor.configure()
        sensor.process.send_signal(signal.SIGHUP)
        wait_for('reload', lambda: 'reloaded' in sensor.log() and sensor.up())
        telnet_login(sensor, 'new', 'port', port=24)
        for n in range(5): # a port that stays is open all the time
            telnet_login(sensor, f'same{n}', 'port', port=25)
        equal(sensor.status()['sockets_failed'], 0)
        wait_for('the end of the old port', lambda: is_closed(sensor, 23))
        # A session that was open goes on to its end.
        read_until(old, b'ogin')
        old.sendall(b'olduser\r\n')
        read_until(old, b'assword')
        old.sendall(b'oldpass\r\n')
        old.recv(4096)
    sensor.configure('nonsense: [1\n')
    sensor.process.send_signal(signal.SIGHUP)
    wait_for('refusal', lambda: 'the configuration stays as it was' in sensor.log())
    telnet_login(sensor, 'still', 'there', port=24)
    sensor.respond = 'protocols: { telnett: [24] }'
    sensor.configure()
    sensor.process.send_signal(signal.SIGHUP)
    wait_for('another', lambda: sensor.log().count('the configuration stays as it was') == 2)
    contains(sensor.log(), 'there is no protocol telnett')
    telnet_login(sensor, 'still', 'here', port=24)
    equal(sensor.restarts(), 0)
    sensor.stop()
    equal([row['user'] for row in sensor.sql('SELECT "user" FROM login ORDER BY 1')],
          ['new', 'olduser', *(f'same{n}' for n in range(5)), 'still', 'still'])


def busy_in(sensor, seconds):
    """The processor time of all its processes meanwhile."""
    before = sum(cpu_seconds(pid) for pid in sensor.pids().values())
    time.sleep(seconds)
    return sum(cpu_seconds(pid) for pid in sensor.pids().values()) - before


def test_idle_is_small():
    if is_sanitized():
        raise Skip('sanitizers need memory of their own')
    sensor = Sensor().start()
    time.sleep(1.5)
    used = {name: memory_kb(pid, 'Rss') for name, pid in sensor.pids().items()}
    busy = min(busy_in(sensor, 3) for _ in range(3)) # what the start left to do is over by then
    print(f'# {sum(used.values()) / 1024:.1f} MB, {busy / 3:.2%} of a processor: {used}')
    sensor.stop()
    if sum(used.values()) > 64 * 1024:
        raise AssertionError(f'resident: {used}')
    if busy > 0.15:
        raise AssertionError(f'{busy} s of processor time in three idle seconds')


def test_taken_port():
    sensor = Sensor(respond='protocols: { telnet: [23], http: [80] }')
    with socket.socket() as taken:
        taken.bind((sensor.address, sensor.port(80)))
        taken.listen()
        sensor.start()
        contains(sensor.log(), f'cannot listen on {sensor.address} port {sensor.port(80)}/tcp')
        equal(sensor.status()['sockets_failed'], 1)
        telnet_login(sensor, 'a', 'b')
        sensor.stop()
    equal(len(sensor.sql('SELECT * FROM login')), 1)


def test_port_of_a_dying_predecessor():
    sensor = Sensor(respond='protocols: { telnet: [23] }')
    with socket.socket() as dying:
        dying.bind((sensor.address, sensor.port(23)))
        dying.listen()
        release = threading.Timer(1.5, dying.close)
        release.start()
        sensor.start()
        release.join()
    equal(sensor.status()['sockets_failed'], 0)
    telnet_login(sensor, 'a', 'b')
    sensor.stop()


def test_wrong_configurations_stop_the_start():
    program = os.path.join(BUILD, 'teiten-sensor')
    for text, word in (('sensor: { name: x }\n', 'needs sensor.name and sensor.addresses'),
                       ('sensor: {\n', 'yaml'),
                       ('sensor: { name: x, addresses: [127.9.9.9] }\n'
                        f'store: {{ path: {FOLDER}/none }}\n'
                        'respond: { protocols: { telnett: [1] } }\n', 'telnett')):
        file = os.path.join(FOLDER, 'wrong.yaml')
        with open(file, 'w', encoding='utf-8') as out:
            out.write(text)
        done = subprocess.run([program, '-c', file], capture_output=True, text=True, timeout=60,
                              check=False)
        equal(done.returncode, 2)
        contains(done.stderr, word)


def test_options():
    program = os.path.join(BUILD, 'teiten-sensor')
    version = teiten('--version').stdout.replace('teiten ', 'teiten-sensor ')
    for option, code, out in (('--help', 0, 'usage: teiten-sensor'), ('-h', 0, 'usage: teiten-sensor'),
                              ('--version', 0, version), ('-x', 2, '')):
        done = subprocess.run([program, option], capture_output=True, text=True, timeout=60,
                              check=False)
        equal(done.returncode, code)
        equal(done.stdout[:len(out)] if out else done.stdout, out)


def test_workers_alone_refuse():
    for name in ('teiten-respond', 'teiten-store', 'teiten-capture', 'teiten-courier'):
        done = subprocess.run([os.path.join(BUILD, name)], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60, check=False)
        equal(done.returncode, 1)
        contains(done.stderr, name)


main(globals())
