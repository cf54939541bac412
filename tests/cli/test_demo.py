"""tools/demo.sh, what `make demo` runs: the first thing that a newcomer sees."""
import os
import subprocess

from harness import BUILD, SOURCE, contains, equal, main, path


def demo(folder, *files, **variables):
    environment = dict(os.environ, BUILD=BUILD, DEMO=path(folder), LC_ALL='C.UTF-8', **variables)
    done = subprocess.run(['sh', os.path.join(SOURCE, 'tools', 'demo.sh'), *files], cwd=SOURCE,
                          env=environment, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0:
        raise AssertionError(f'exit {done.returncode}\n{done.stdout[-2000:]}{done.stderr}')
    return done.stdout


def test_demo():
    out = demo('demo', SCALE='0.01')
    contains(out, 'The weekly report begins', '週次レポートの冒頭', 'Where to look')
    for line in out.splitlines():
        if line.strip().endswith(('.html', '.txt')) and path('demo') in line:
            equal(os.path.getsize(line.strip()) > 1000, True)


def test_own_capture():
    out = demo('own', path('demo', 'captures', 'sim-de-4.pcap'))
    contains(out, 'Analysing 1 file(s)', '.html')


main(globals())
