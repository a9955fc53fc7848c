#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""fend as a packager installs it and as a program outside its tree uses it.

It is built as distributions do (buildtype plain, nothing downloaded), installed into an empty
prefix, and from then on only what lies there is used, through pkg-config.
"""
import argparse
import os
import pathlib
import re
import tempfile

import tap

HERE = pathlib.Path(__file__).parent


def installed_files(sources, libraries):
    """What has to be in the prefix, and nothing else."""
    files = set()
    for library in libraries:
        include = sources / library / 'include'
        files |= {f'lib/{library}.so', f'lib/{library}.so.0', f'lib/{library}.so.0.1.0',
                  f'lib/pkgconfig/{library}.pc'}
        files |= {f'include/{header.relative_to(include)}' for header in include.glob('fend/*.h')}
    return files | {'include/fend/version.h'}


class Outside:
    """A directory where programs are built against the prefix alone."""

    def __init__(self, directory, prefix, arguments):
        self.directory = directory
        warnings = ['-Wall', '-Wextra', '-Werror']
        self.c = arguments.c.split() + warnings
        self.cxx = arguments.cxx.split() + warnings if arguments.cxx else None
        self.pkg_config = arguments.pkg_config
        path = [str(prefix / 'lib' / 'pkgconfig'), os.environ.get('PKG_CONFIG_PATH', '')]
        self.environment = dict(os.environ, PKG_CONFIG_PATH=':'.join(filter(None, path)),
                                LD_LIBRARY_PATH=str(prefix / 'lib'))

    def flags(self, *libraries):
        return tap.run([self.pkg_config, '--cflags', '--libs', *libraries],
                       env=self.environment).stdout.split()

    def build(self, compiler, source, program, *libraries):
        return [*compiler, str(source), '-o', str(self.directory / program), '-x', 'none',
                *self.flags(*libraries)]

    def check(self, checks, name, compiler, source, program, *libraries, args=()):
        """Build and run; does its exit status say that all is well?"""
        if checks.run(f'{name} compiles', self.build(compiler, source, program, *libraries),
                      env=self.environment) is not None:
            checks.run(f'{name} runs', [str(self.directory / program), *args], env=self.environment)


def readme_program(path):
    """The first C program of the README."""
    return re.search(r'^```c\n(.*?)^```', path.read_text(), re.S | re.M).group(1)


def packaging_headers(path, library):
    """The headers that PACKAGING.md promises for library."""
    row = re.search(rf'^\| `{library}` .*', path.read_text(), re.M).group(0)
    return {f'{name}.h' for name in re.findall(r'`([^`]*)`', row)[2].split()}


def check_packaging(checks, sources, prefix, libraries):
    path = sources / 'PACKAGING.md'
    listed = set.union(*(packaging_headers(path, library) for library in libraries))
    installed = {header.name for header in (prefix / 'include' / 'fend').iterdir()}
    checks.check('PACKAGING.md lists the headers', listed == installed,
                 f'differing: {sorted(listed ^ installed)}')


def check_programs(checks, outside, sources, libraries):
    for library in libraries:
        object_name = library.partition('-')[2]
        source = HERE / f'use-{object_name}.c'
        outside.check(checks, f'a C99 program with {library}',
                      [*outside.c, '-std=c99', '-pedantic'], source, object_name, library)
        if outside.cxx:
            outside.check(checks, f'a C++11 program with {library}',
                          [*outside.cxx, '-std=c++11', '-pedantic', '-x', 'c++'], source,
                          f'{object_name}-cxx', library)

    if 'libfend-net' in libraries:
        result = tap.run(outside.build(outside.c, HERE / 'use-net.c', 'no', 'libfend-core'),
                         env=outside.environment)
        checks.check('a program that uses net does not link with core alone',
                     result.returncode != 0 and re.search(r'undefined.*fend_socket', result.stdout),
                     result.stdout)

    if 'libfend-dns' in libraries:
        program = outside.directory / 'readme.c'
        program.write_text(readme_program(sources / 'README.md'))
        outside.check(checks, 'the program in the README', [*outside.c, '-Wno-unused-parameter'],
                      program, 'readme', 'libfend-dns', args=['localhost'])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--meson', required=True)
    parser.add_argument('--pkg-config', required=True)
    parser.add_argument('--sources', required=True, type=pathlib.Path)
    parser.add_argument('--c', required=True)
    parser.add_argument('--cxx', help='no C++ compiler: leave C++ out')
    parser.add_argument('--option', action='append', default=[], help='of the build under test')
    parser.add_argument('library', nargs='+')
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as name, tap.Checks() as checks:
        directory = pathlib.Path(name)
        prefix, build = directory / 'prefix', directory / 'build'
        environment = dict(os.environ, CC=arguments.c)
        options = [f'-D{option}' for option in arguments.option]
        if checks.run('it configures', [
                arguments.meson, 'setup', '--prefix', str(prefix), '--libdir', 'lib',
                '--buildtype', 'plain', '--wrap-mode', 'nodownload', '-Dtests=disabled',
                '-Dexamples=disabled', *options, str(build), str(arguments.sources)],
                env=environment) is None:
            return
        checks.run('it builds and installs', [arguments.meson, 'install', '-C', str(build)])

        files = {str(path.relative_to(prefix)) for path in prefix.rglob('*') if not path.is_dir()}
        expected = installed_files(arguments.sources, arguments.library)
        checks.check('what is installed is what has to be', files == expected,
                     [f'missing: {path}' for path in sorted(expected - files)],
                     [f'unexpected: {path}' for path in sorted(files - expected)])
        check_packaging(checks, arguments.sources, prefix, arguments.library)
        check_programs(checks, Outside(directory, prefix, arguments), arguments.sources,
                       arguments.library)


main()
