"""teiten config: findings with positions, dump, and what other subcommands do with a bad file."""
import os

from harness import FINDINGS, SOURCE, USAGE, contains, equal, main, path, teiten, write


def test_defaults():
    text = teiten('config', 'dump').out
    contains(text, 'timezone: Asia/Tokyo  # default\n',
             'ranking_roles:\n    ports: all  # default\n')
    equal(teiten('config', 'check', '/dev/stdin', stdin=text.encode()).out, '/dev/stdin: ok\n')


def test_judged_dates_are_mentioned():
    changed = write('judged.yaml', 'detect:\n  backscatter_packets: 30\n')
    result = teiten('config', 'check', changed)
    contains(result.out, 'ok')
    contains(result.err, 'compact --all')
    equal(teiten('config', 'check', changed, '-q').err, '')
    asked = write('asked.yaml', 'detect:\n  scan_packets: 5\n')
    equal(teiten('config', 'check', asked).err, '')


def test_dump_json():
    file = write('a.yaml', 'report: { top_n: 20, languages: [en] }\nrespond: { any_port: true }\n')
    rows = {row['key']: row for row in teiten('config', 'dump', file, '--json').json()}
    equal(rows['report.top_n'], {'key': 'report.top_n', 'value': 20, 'default': False})
    equal(rows['report.languages']['value'], ['en'])
    equal(rows['respond.any_port']['value'], True)
    equal(rows['site.timezone'], {'key': 'site.timezone', 'value': 'Asia/Tokyo', 'default': True})


def test_findings():
    file = write('bad.yaml',
                 'report:\n  week_starts: monday\n  top_n: 1000\nsite: { timezone: x }\n')
    result = teiten('config', 'check', file, status=FINDINGS)
    equal(result.out,
          f"{file}:2:3: unknown key 'week_starts' in 'report'; did you mean 'week_start'?\n"
          f"{file}:3:10: 'report.top_n' is 1000, which is out of range: 1 to 100\n"
          f"{file}:4:19: 'site.timezone' is an IANA time zone such as Asia/Tokyo or UTC, "
          "not 'x'\n")
    file = write('ports.yaml', 'respond: { protocols: { telnet: [23], telnett: [24] } }\n')
    equal(teiten('config', 'check', file, status=FINDINGS).out,
          f"{file}: respond.protocols: there is no protocol 'telnett'; did you mean 'telnet'?\n")
    file = write('bad.yaml', 'report:\n  week_starts: monday\n')
    # Everywhere else a bad configuration is an error of usage, said before anything is done.
    for words in (['top', 'ports'], ['config', 'dump'], ['sql', 'SELECT 1']):
        contains(teiten(*words, '-c', file, status=USAGE).err, f'{file}:2:3: unknown key')


def test_bombs():
    laugh = 'a: &a [x]\n' + ''.join(f'{c}: &{c} [*{p}, *{p}]\n'
                                    for p, c in zip('abcdefg', 'bcdefgh'))
    contains(teiten('config', 'check', write('l.yaml', laugh), status=FINDINGS).out,
             ':1:4: anchors')
    contains(teiten('config', 'check', write('d.yaml', '[' * 500000), status=FINDINGS).out,
             'nested too deeply')
    teiten('config', 'check', write('big.yaml', 'x' * 2000000), status=USAGE)
    teiten('config', 'check', '/dev/zero', status=USAGE)


def test_files():
    contains(teiten('config', 'check', path('none.yaml'), status=USAGE).out, 'none.yaml')
    teiten('config', 'check', os.path.dirname(path('x')), status=USAGE)
    contains(teiten('config', 'chekc', status=USAGE).err, "did you mean 'check'?")


def test_language_of_output():
    ja = write('ja.yaml', 'report: { languages: [ja, en] }\n')
    missing = ['-s', path('no-store')]
    # The help is English; what a language changes is tested with a store (test_store.py).
    teiten('config', 'check', ja)
    teiten('top', 'ports', '-c', ja, *missing, status=1)


def test_manual_example():
    page = os.path.join(SOURCE, 'docs', 'man', 'teiten.conf.5.scd')
    with open(page, encoding='utf-8') as f:
        example = f.read().split('```\n')[1]
    teiten('config', 'check', write('example.yaml', example))


main(globals())
