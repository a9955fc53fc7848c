#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""fend as a packager installs it and as a program outside its tree uses it.

It is built as distributions do (buildtype plain, nothing downloaded), installed into an empty
prefix, and from then on only what lies there is used, through pkg-config. Which package a file goes
to is asked of the *.install files of the Debian packages, globs relative to the root.
"""
import argparse
import fnmatch
import os
import pathlib
import re
import tempfile

import consumer
import tap

HERE = pathlib.Path(__file__).parent
# As Debian has it: libraries of several architectures beside each other.
LIBDIR = 'lib/some-architecture'


def manual_files(headers, functions, libraries):
    """The manual: a page for each header that does not only include others, and each function."""
    titles = {f'fend_{header.stem}'.replace('-', '_') for header in headers}
    titles -= {'fend_core', 'fend_net'}
    overviews = [library + '.7' for library in libraries]
    pages = [f'{title}.3' for title in titles] + overviews
    return ({f'share/man/man3/{name}.3' for name in titles | functions} |
            {f'share/man/man7/{name}' for name in ['fend.7', *overviews]} |
            {f'share/doc/fend/html/{name}'
             for name in ['index.html', 'style.css', *(f'{page}.html' for page in pages)]})


def installed_files(sources, libraries, has_manual):
    """What has to be in the root, and nothing else."""
    files, headers, functions = set(), {pathlib.Path('version.h')}, set()
    for library in libraries:
        include = sources / library / 'include'
        files |= {f'{LIBDIR}/{library}.so', f'{LIBDIR}/{library}.so.0',
                  f'{LIBDIR}/{library}.so.0.1.0', f'{LIBDIR}/pkgconfig/{library}.pc'}
        headers |= {header.relative_to(include / 'fend') for header in include.glob('fend/*.h')}
        functions |= set(re.findall(r'\b(fend_(?!_)\w+);',
                                    (sources / library / f'{library}.sym').read_text()))
    files |= {f'include/fend/{header}' for header in headers}
    files |= manual_files(headers, functions, libraries) if has_manual else set()
    return {f'usr/{path}' for path in files}


def package_globs():
    """{package: globs} of the Debian packages."""
    return {path.stem: path.read_text().split()
            for path in sorted((HERE / 'debian').glob('*.install'))}


def check_packages(checks, files, libraries):
    """Each file belongs to one package, and each glob of a library that is built has a file."""
    packages = package_globs()
    owners = {path: [package for package, globs in packages.items()
                     if any(fnmatch.fnmatchcase(path, glob) for glob in globs)] for path in files}
    checks.check('each file belongs to one package', all(len(owner) == 1 for owner in owners.values()),
                 [f'{path}: {owner}' for path, owner in sorted(owners.items()) if len(owner) != 1])
    for library in libraries:
        idle = [glob for package in (f'{library}0', f'{library}-dev') for glob in packages[package]
                if not fnmatch.filter(files, glob)]
        checks.check(f'the packages of {library} have what they name', not idle, idle)
        foreign = [f'{path}: {owner}' for path, owner in owners.items()
                   if library in path and 'fend-doc' not in owner and not all(name.startswith(library) for name in owner)]
        checks.check(f'what is called {library} is in its packages', not foreign, foreign)


class Outside:
    """A directory where programs are built against the prefix alone."""

    def __init__(self, directory, prefix, arguments):
        self.directory = directory
        warnings = ['-Wall', '-Wextra', '-Werror']
        self.c = arguments.c.split() + warnings
        self.cxx = arguments.cxx.split() + warnings if arguments.cxx else None
        self.pkg_config = arguments.pkg_config
        path = [str(prefix / LIBDIR / 'pkgconfig'), os.environ.get('PKG_CONFIG_PATH', '')]
        self.variables = {'PKG_CONFIG_PATH': ':'.join(filter(None, path)),
                          'LD_LIBRARY_PATH': str(prefix / LIBDIR)}
        self.environment = dict(os.environ, **self.variables)

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


def manual_program(path):
    """The program in the overview of fend(7), which is indented by a tab."""
    example = re.search(r'^EXAMPLE\n(.*?)^\tcc ', path.read_text(), re.S | re.M).group(1)
    return re.sub(r'^\t', '', example, flags=re.M)


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


def check_provider(checks, prefix, arguments):
    """libfend-tls.pc tells which provider was asked for."""
    wanted = [option for option in arguments.option if option.startswith('tls_provider=')]
    for option in wanted:
        text = (prefix / LIBDIR / 'pkgconfig' / 'libfend-tls.pc').read_text()
        checks.check('libfend-tls.pc names the provider', option in text.splitlines(), text)


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

    program = outside.directory / 'hello.c'
    program.write_text(manual_program(sources / 'docs' / 'manual' / 'fend.txt'))
    outside.check(checks, 'the program in fend(7)', [*outside.c, '-Wno-unused-parameter'], program,
                  'hello', 'libfend-core')

    if 'libfend-dns' in libraries:
        program = outside.directory / 'readme.c'
        program.write_text(readme_program(sources / 'README.md'))
        outside.check(checks, 'the program in the README', [*outside.c, '-Wno-unused-parameter'],
                      program, 'readme', 'libfend-dns', args=['localhost'])


def install(checks, directory, kind, arguments):
    """Build and install libraries of that kind; the root that they are in, or None."""
    root, build = directory / f'root-{kind}', directory / f'fend-{kind}'
    if checks.run(f'{kind}: it configures', [
            arguments.meson, 'setup', '--prefix', str(root / 'usr'), '--libdir', LIBDIR,
            '--buildtype', 'plain', '--wrap-mode', 'nodownload', '-Dtests=disabled',
            '-Dexamples=disabled', f'-Ddefault_library={kind}',
            *[f'-D{option}' for option in arguments.option], str(build), str(arguments.sources)],
            env=dict(os.environ, CC=arguments.c)) is None:
        return None
    if checks.run(f'{kind}: it builds and installs',
                  [arguments.meson, 'install', '-C', str(build)]) is None:
        return None
    return root


def main():
    parser = argparse.ArgumentParser()
    consumer.add_arguments(parser)
    parser.add_argument('--pkg-config', required=True)
    parser.add_argument('--sources', required=True, type=pathlib.Path)
    parser.add_argument('--cxx', help='no C++ compiler: leave C++ out')
    parser.add_argument('--option', action='append', default=[], help='of the build under test')
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as name, tap.Checks() as checks:
        directory = pathlib.Path(name)
        project = consumer.Consumer(directory, arguments)
        for kind in ['shared', 'static']:
            root = install(checks, directory, kind, arguments)
            if not root:
                continue
            outside = Outside(directory, root / 'usr', arguments)
            project.check(checks, f'{kind} installed', kind, **outside.variables)
            if kind == 'shared':
                files = {str(path.relative_to(root)) for path in root.rglob('*')
                         if not path.is_dir()}
                expected = installed_files(arguments.sources, arguments.library,
                                           'docs=enabled' in arguments.option)
                checks.check('what is installed is what has to be', files == expected,
                             [f'missing: {path}' for path in sorted(expected - files)],
                             [f'unexpected: {path}' for path in sorted(files - expected)])
                check_packages(checks, files, arguments.library)
                check_packaging(checks, arguments.sources, root / 'usr', arguments.library)
                check_provider(checks, root / 'usr', arguments)
                check_programs(checks, outside, arguments.sources, arguments.library)


main()
