"""What an installation and `make run` stand on: configuration, service, packaging, a first sensor."""
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

from harness import BUILD, OK, SOURCE, contains, equal, main, path, teiten

OFFSET = 31000
START_S = 60


def source(*names):
    with open(os.path.join(SOURCE, *names), encoding='utf-8') as f:
        return f.read()


def test_installed_configuration_is_right():
    contains(teiten('config', 'check', '-c', os.path.join(SOURCE, 'dist', 'teiten.yaml')).out, ': ok')


def test_every_key_of_the_comments_is_right():
    """What is commented out as an example is accepted when it is taken in."""
    text = source('dist', 'teiten.yaml')
    taken = re.sub(r'(?m)^( *)# ((?:exclude|country|addresses|protocols|interface|rules|name_ja|name_en|'
                   r'home_country|capture|signatures):?.*)$', r'\1\2', text)
    taken = re.sub(r'(?m)^#   (\w+: .*)$', r'  \1', taken)
    taken = taken.replace("[127.0.0.1]", "[192.0.2.0/28]")
    assert taken != text
    with open(path('all.yaml'), 'w', encoding='utf-8') as f:
        f.write(taken)
    contains(teiten('config', 'check', '-c', path('all.yaml')).out, ': ok')
    for key in ('capture.interface', 'signatures.rules', 'respond.protocols', 'sensor.exclude'):
        row = next(r for r in teiten('config', 'dump', '-c', path('all.yaml'), '--json').json()
                   if r['key'] == key)
        equal(row['default'], False)


def test_service_is_confined():
    unit = source('dist', 'teiten-sensor.service.in')
    for line in ('User=teiten', 'NoNewPrivileges=yes', 'ProtectSystem=strict', 'KillMode=mixed',
                 'CapabilityBoundingSet=CAP_NET_BIND_SERVICE CAP_NET_RAW'):
        contains(unit, line + '\n')
    contains(source('dist', 'teiten.sysusers'), 'u teiten ')


def test_package_has_the_version():
    version = teiten('--version').out.split()[1]
    contains(source('debian', 'changelog').splitlines()[0], f'({version})')


def test_every_program_is_packaged():
    installed = (source('debian', 'teiten.install') + source('debian', 'teiten-sensor.install')).split()
    names = re.findall(r"^(?:teiten = executable\(|  )'(teiten[a-z-]*)'", source('meson.build'), re.M)
    assert len(names) >= 6, names
    for name in names:
        assert 'usr/bin/' + name in installed, name


def test_commands_of_the_readmes_exist():
    known = teiten('help').out.split('Subcommands:\n')[1].split('\n\n')[0]
    known = [line.split()[0] for line in known.splitlines()]
    targets = re.findall(r'^([a-z]+):', source('Makefile'), re.M)
    for name in ('README.md', 'README.ja.md'):
        text = source(name)
        for word in re.findall(r'^ {4}(?:\$ )?(?:sudo )?(?:build/)?teiten ([a-z]+)', text, re.M):
            assert word in known, (name, word)
        for word in re.findall(r'^ {4}(?:\$ )?(?:sudo )?make ([a-z]+)', text, re.M):
            assert word in targets, (name, word)
        for file in re.findall(r'`((?:docs/)?[\w./-]+\.md)`', text):
            assert os.path.exists(os.path.join(SOURCE, file)), (name, file)


def test_make_run_answers_and_stops():
    env = {**os.environ, 'BUILD': BUILD, 'RUN': path('run'), 'PORT_OFFSET': str(OFFSET)}
    for name in ('ADDRESS', 'CONFIG', 'INTERFACE', 'SUDO_USER'):
        env.pop(name, None)
    with open(path('run.txt'), 'wb') as out:
        running = subprocess.Popen([os.path.join(SOURCE, 'tools', 'run.sh')], env=env, stdout=out,
                                   stderr=subprocess.STDOUT)
    text = ''
    try:
        for _ in range(START_S * 5):
            with open(path('run.txt'), encoding='utf-8') as f:
                text = f.read()
            if 'Ctrl-C stops' in text or running.poll() is not None:
                break
            time.sleep(0.2)
        contains(text, 'Addresses: 127.0.0.1;', 'Only this machine reaches it', 'Ctrl-C stops')
        urllib.request.urlopen(f'http://127.0.0.1:{80 + OFFSET}/', timeout=10).read()
    except urllib.error.HTTPError:
        pass # a persona may answer 401 or 404
    finally:
        running.send_signal(signal.SIGTERM)
        status = running.wait(60)
    with open(path('run.txt'), encoding='utf-8') as f:
        text = f.read()
    equal(status, OK)
    contains(text, 'session  http       127.0.0.1', 'Stopping', 'Ask it')
    rows = teiten('sql', '-s', path('run', 'store'), '--json',
                  "SELECT count(*) AS n FROM session WHERE protocol = 'http'").json()
    equal(rows, [{'n': 1}])


if sys.platform != 'linux':
    sys.exit('Linux only')
main(globals())
