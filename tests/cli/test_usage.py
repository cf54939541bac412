"""Help, options, exit statuses: the command line as the manual promises it."""
import os
import re
import subprocess

from harness import (BUILD, FAILED, FOLDER, OK, SOURCE, TEITEN, USAGE, contains, equal, main,
                     path, teiten, write)


def subcommands():
    text = teiten('help').out.split('Subcommands:\n')[1].split('\n\n')[0]
    return [line.split()[0] for line in text.splitlines() if line.split()[0] != 'help']


def test_overview():
    without = teiten(status=USAGE)
    equal(without.out, '')
    equal(without.err, teiten('help').out)
    equal(teiten('-h').out, teiten('help').out)
    equal(teiten('--help').out, teiten('help').out)
    for name in ('analyze', 'top', 'series', 'who', 'port', 'sql', 'report', 'config'):
        assert name in subcommands(), name


def test_version():
    assert re.fullmatch(r'teiten \d+\.\d+\.\d+\n', teiten('--version').out)


def test_unknown_subcommand():
    contains(teiten('tpo', status=USAGE).err, "no subcommand 'tpo'", "did you mean 'top'?")
    assert 'did you mean' not in teiten('xyzzy', status=USAGE).err
    contains(teiten('help', 'serise', status=USAGE).err, "did you mean 'series'?")
    contains(teiten('--json', 'top', status=USAGE).err, 'the subcommand comes first')


def test_every_help_teaches():
    for name in subcommands():
        text = teiten('help', name).out
        equal(teiten(name, '-h').out, text)
        equal(teiten(name, '--help').out, text)
        assert text.startswith(f'usage: teiten {name}'), name
        assert text.count(f'  teiten {name}') + text.count('| teiten ' + name) >= 2, name
        contains(text, 'Examples:\n')
        for line in text.splitlines():
            assert len(line) <= 100, (name, line)


def test_unknown_options():
    contains(teiten('top', '--lats=7d', status=USAGE).err, "unknown option '--lats'",
             "did you mean '--last'?")
    contains(teiten('config', '--josn', status=USAGE).err, "did you mean '--json'?")
    contains(teiten('top', '-z', status=USAGE).err, "unknown option '-z'")
    contains(teiten('top', '--last', status=USAGE).err, "'--last' takes a value")
    contains(teiten('top', '--json=yes', status=USAGE).err, "'--json' takes no value")


def test_values_of_common_options():
    contains(teiten('top', '--lang', 'fr', status=USAGE).err, 'ja and en')
    contains(teiten('top', '--lang', 'ja,en', status=USAGE).err, 'one language')
    contains(teiten('top', '--timezone', 'Asia/Tokio', status=USAGE).err, 'Asia/Tokio')
    contains(teiten('top', '-c', path('nothing.yaml'), 'ports', status=USAGE).err, 'nothing.yaml')


def test_clusters_and_attached_values():
    good = write('good.yaml', 'site: { name_en: x }\n')
    equal(teiten('config', 'check', '-qv', '-c' + good).out, '')
    equal(teiten('config', 'check', '-c', good, '-vq').out, '')
    contains(teiten('config', '-c', good, 'check').out, 'good.yaml: ok')


def test_missing_operands():
    for words in (['top'], ['port'], ['who'], ['sql'], ['report'], ['config']):
        equal(teiten(*words, status=USAGE).out, '')
    contains(teiten('top', 'prots', status=USAGE).err, "did you mean 'ports'?")
    contains(teiten('report', 'weekyl', status=USAGE).err, "did you mean 'weekly'?")
    contains(teiten('port', 'telnet', status=USAGE).err, "'telnet' is no port")
    contains(teiten('port', '65536/tcp', status=USAGE).err, 'is no port')
    contains(teiten('who', '1.2.3', status=USAGE).err, "'1.2.3' is no address")
    contains(teiten('series', '23/tpc', status=USAGE).err, "'23/tpc' is no port")
    contains(teiten('series', '--split', 'snesor', status=USAGE).err, "did you mean 'sensor'?")


def test_nothing_read_is_an_error_alone():
    """No summary of zeros below the reason, no report of an empty store."""
    for extra in ((), ('-o', path('none'))):
        result = teiten('analyze', '-r', path('none.pcap'), *extra, status=FAILED)
        equal(result.out, '')
        equal(len(result.err.splitlines()), 1)
        contains(result.err, 'none.pcap: cannot open')
    contains(teiten('analyze', '-r', path('none.pcap'), '--json', status=FAILED).out, '"counted"')


def test_closed_pipe_is_no_failure():
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([TEITEN, 'help'], stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    equal((done.returncode, done.stderr), (OK, b''))


def test_full_disk_is_one():
    with open('/dev/full', 'wb') as full:
        done = subprocess.run([TEITEN, 'help'], stdout=full, stderr=subprocess.PIPE, check=False)
    equal(done.returncode, FAILED)
    contains(done.stderr.decode(), 'cannot be written', 'No space left')


def test_no_color_on_pipes():
    assert '\033' not in teiten('help').out
    assert '\033' not in teiten('config', 'dump').out


def test_runs_from_any_directory():
    equal(teiten('config', 'dump', cwd='/').out, teiten('config', 'dump', cwd=FOLDER).out)


def test_completion_knows_every_subcommand():
    script = os.path.join(SOURCE, 'completions', 'teiten.bash')
    ask = ('source "$1"; COMP_WORDS=("$2" "${@:3}"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); '
           '_teiten; printf "%s\\n" "${COMPREPLY[@]}"')

    def complete(*words):
        done = subprocess.run(['bash', '-c', ask, 'bash', script, os.path.join(BUILD, 'teiten'),
                               *words], stdout=subprocess.PIPE, check=True, cwd=FOLDER)
        return done.stdout.decode().split()

    for name in subcommands():
        assert name in complete(name[:2]), name
    equal(sorted(complete('top', '')),
          ['asns', 'commands', 'countries', 'events', 'logins', 'passwords', 'payloads', 'ports',
           'protocols', 'signatures', 'sources', 'tools', 'urls', 'users'])
    equal(sorted(complete('report', '')), ['monthly', 'quarterly', 'weekly', 'yearly'])
    assert '--last' in complete('top', '--la')
    equal(complete('series', '--split', 's'), ['sensor'])


main(globals())
