#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""fend as a Meson subproject, found through the wrap file that the README shows."""
import argparse
import pathlib
import re
import shutil
import tempfile

import tap

HERE = pathlib.Path(__file__).parent


def make_project(directory, sources):
    project = directory / 'consumer'
    shutil.copytree(HERE / 'consumer', project)
    shutil.copy(HERE / 'use-net.c', project / 'main.c')
    (project / 'subprojects').mkdir()
    (project / 'subprojects' / 'fend').symlink_to(sources, target_is_directory=True)
    wrap = re.search(r'^```ini\n(.*?)^```', (sources / 'README.md').read_text(), re.S | re.M)
    (project / 'subprojects' / 'fend.wrap').write_text(wrap.group(1))
    return project


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--meson', required=True)
    parser.add_argument('--nm', required=True)
    parser.add_argument('--readelf', required=True)
    parser.add_argument('--sources', required=True, type=pathlib.Path)
    parser.add_argument('--option', action='append', default=[], help='of the build under test')
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as name, tap.Checks() as checks:
        directory = pathlib.Path(name)
        project = make_project(directory, arguments.sources)
        for kind in ['shared', 'static']:
            build = directory / kind
            options = [f'-Dfend:{option}' for option in arguments.option]
            if checks.run(f'{kind}: it configures', [
                    arguments.meson, 'setup', '--wrap-mode', 'nodownload', '-Dfend:tests=disabled',
                    '-Dfend:examples=disabled', f'-Dfend:default_library={kind}', *options,
                    str(build), str(project)]) is None:
                continue
            checks.run(f'{kind}: it builds', [arguments.meson, 'compile', '-C', str(build)])
            checks.run(f'{kind}: the program runs', [str(build / 'consumer')])
            output = tap.run([arguments.readelf, '-d', str(build / 'consumer')]).stdout
            checks.check(f'{kind}: the program needs fend installed only if shared',
                         ('libfend' in output) == (kind == 'shared'), output)
            output = tap.run([arguments.nm, '-D', str(build / 'libplugin.so')]).stdout
            exported = re.findall(r' [A-TV-Z] (\w+)', output)
            checks.check(f'{kind}: a shared library of the project exports its own functions only',
                         exported == ['plugin_listen'], output)


main()
