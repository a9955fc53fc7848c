# SPDX-License-Identifier: MIT
"""The project in consumer/, outside the tree of fend, which uses it in one way or another."""
import os
import pathlib
import re
import shutil

import tap

HERE = pathlib.Path(__file__).parent


class Consumer:
    """A copy of the project in directory, to be built with some of fend's libraries."""

    def __init__(self, directory, arguments):
        self.directory = directory
        self.tools = arguments
        self.objects = [library.partition('-')[2] for library in arguments.library]
        self.project = directory / 'consumer'
        shutil.copytree(HERE / 'consumer', self.project)
        for name in self.objects:
            shutil.copy(HERE / f'use-{name}.c', self.project)

    def add_subproject(self, sources):
        """Put fend beneath it, found through the wrap file that the README shows."""
        (self.project / 'subprojects').mkdir()
        (self.project / 'subprojects' / 'fend').symlink_to(sources, target_is_directory=True)
        wrap = re.search(r'^```ini\n(.*?)^```', (sources / 'README.md').read_text(), re.S | re.M)
        (self.project / 'subprojects' / 'fend.wrap').write_text(wrap.group(1))

    def check(self, checks, name, kind, *options, **variables):
        """Build it, run it, and look at what it needs; kind: shared or static libraries of fend.

        Where it was built, or None.
        """
        build = self.directory / f'build-{name.replace(" ", "-")}'
        environment = dict(os.environ, CC=self.tools.c, **variables)
        if checks.run(f'{name}: it configures', [
                self.tools.meson, 'setup', '--wrap-mode', 'nodownload',
                '-Dlibraries=' + ','.join(self.objects), *options, str(build), str(self.project)],
                env=environment) is None:
            return None
        if checks.run(f'{name}: it builds', [self.tools.meson, 'compile', '-C', str(build)],
                      env=environment) is None:
            return None
        for library in self.objects:
            program = build / f'use-{library}'
            checks.run(f'{name}: {program.name} runs', [str(program)], env=environment)
            output = tap.run([self.tools.readelf, '-d', str(program)]).stdout
            checks.check(f'{name}: {program.name} needs libfend-{library} only if that is shared',
                         (f'[libfend-{library}.so.0]' in output) == (kind == 'shared'), output)
        if 'net' in self.objects:
            self.check_plugin(checks, name, build)
            self.check_unlinked(checks, name, build, environment)
        return build

    def check_plugin(self, checks, name, build):
        output = tap.run([self.tools.nm, '-D', str(build / 'libplugin.so')]).stdout
        exported = re.findall(r' [A-TV-Z] (\w+)', output)
        checks.check(f'{name}: a shared library of the project exports its own functions only',
                     exported == ['plugin_listen'], output)

    def check_unlinked(self, checks, name, build, environment):
        result = tap.run([self.tools.meson, 'compile', '-C', str(build), 'unlinked'], env=environment)
        checks.check(f'{name}: a program that uses net does not link with core alone',
                     result.returncode != 0 and re.search(r'undefined.*fend_socket', result.stdout),
                     result.stdout)


def add_arguments(parser):
    """Those that a Consumer reads."""
    for name in ['c', 'meson', 'nm', 'readelf']:
        parser.add_argument(f'--{name}', required=True)
    parser.add_argument('library', nargs='+')
