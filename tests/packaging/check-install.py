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


def manual_files(library, headers, functions):
    """The manual: a page for each header that does not only include others, and each function."""
    titles = {f'fend_{header.stem}'.replace('-', '_') for header in headers}
    titles -= {'fend_core', 'fend_net'}
    overviews = [f'{library}.7', *(['fend.7'] if library == 'libfend-core' else [])]
    web = [f'{page}.html' for page in [*(f'{title}.3' for title in titles), f'{library}.7']]
    web += ['index.html', 'style.css'] if library == 'libfend-core' else []
    return ({f'share/man/man3/{name}.3' for name in titles | functions} |
            {f'share/man/man7/{name}' for name in overviews} |
            {f'share/doc/fend/html/{name}' for name in web})


def library_files(sources, library, has_manual):
    """{file: its package} of one library."""
    include = sources / library / 'include'
    headers = {header.relative_to(include / 'fend') for header in include.glob('fend/*.h')}
    headers |= {pathlib.Path('version.h')} if library == 'libfend-core' else set()
    functions = set(re.findall(r'\b(fend_(?!_)\w+);',
                               (sources / library / f'{library}.sym').read_text()))
    runtime = {f'{LIBDIR}/{library}.so.0', f'{LIBDIR}/{library}.so.0.1.0'}
    development = {f'include/fend/{header}' for header in headers}
    development |= {f'{LIBDIR}/{library}.so', f'{LIBDIR}/{library}.a',
                    f'{LIBDIR}/pkgconfig/{library}.pc'}
    development |= manual_files(library, headers, functions) if has_manual else set()
    return {**{f'usr/{path}': f'{library}0' for path in runtime},
            **{f'usr/{path}': f'{library}-dev' for path in development}}


def package_globs():
    """{package: globs} of the Debian packages."""
    return {path.stem: path.read_text().split()
            for path in sorted((HERE / 'debian').glob('*.install'))}


def check_files(checks, root, sources, libraries, has_manual):
    """What is installed is what has to be, each file in its package alone, and no glob is idle."""
    files = {str(path.relative_to(root)) for path in root.rglob('*') if not path.is_dir()}
    expected = {}
    for library in libraries:
        expected.update(library_files(sources, library, has_manual))
    checks.check('what is installed is what has to be', files == set(expected),
                 [f'missing: {path}' for path in sorted(set(expected) - files)],
                 [f'unexpected: {path}' for path in sorted(files - set(expected))])

    packages = package_globs()
    owners = {path: [package for package, globs in packages.items()
                     if any(fnmatch.fnmatchcase(path, glob) for glob in globs)] for path in files}
    checks.check('each file is in one package, that of its library',
                 all(owner == [expected.get(path)] for path, owner in owners.items()),
                 [f'{path}: {owner}, not {expected.get(path)}'
                  for path, owner in sorted(owners.items()) if owner != [expected.get(path)]])
    for library in libraries:
        idle = [glob for package in (f'{library}0', f'{library}-dev') for glob in packages[package]
                if not fnmatch.filter(files, glob) and (has_manual or '/share/' not in glob)]
        checks.check(f'the packages of {library} have what they name', not idle, idle)


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
    """The program in an overview, such as fend(7), which is indented by a tab."""
    example = re.search(r'^EXAMPLE\n.*?(^\t.*?)^\tcc ', path.read_text(), re.S | re.M).group(1)
    return re.sub(r'^\t', '', example, flags=re.M)


def packaging_headers(path, library):
    """The headers that PACKAGING.md promises for library."""
    row = re.search(rf'^\| `{library}` .*', path.read_text(), re.M).group(0)
    return {f'{name}.h' for name in re.findall(r'`([^`]*)`', row)[2].split()}


def packaging_manual(path, library):
    """The globs of man pages that PACKAGING.md has for library."""
    row = re.search(rf'^\| {library.partition("-")[2]} .*', path.read_text(), re.M).group(0)
    return {f'usr/share/man/man3/fend_{name}.3' for name in row.split('`')[1].split()}


def check_packaging(checks, sources, prefix, libraries):
    """The document says what the headers, options and packages are."""
    path = sources / 'PACKAGING.md'
    listed = set.union(*(packaging_headers(path, library) for library in libraries))
    installed = {header.name for header in (prefix / 'include' / 'fend').iterdir()}
    checks.check('PACKAGING.md lists the headers', listed == installed,
                 f'differing: {sorted(listed ^ installed)}')
    for library in libraries:
        globs = {glob for glob in package_globs()[f'{library}-dev'] if '/man3/' in glob}
        checks.check(f'PACKAGING.md has the globs of {library}',
                     packaging_manual(path, library) == globs, sorted(globs))
    options = set(re.findall(r"^option\('(\w+)'", (sources / 'meson_options.txt').read_text(), re.M))
    table = re.search(r'^## Options\n\n.*?\n\n', path.read_text(), re.S | re.M).group(0)
    described = set(re.findall(r'^\| `(\w+)` ', table, re.M))
    checks.check('PACKAGING.md lists the options', options == described,
                 f'differing: {sorted(options ^ described)}')


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
    # Servers, which do not end by themselves.
    for library in [name for name in libraries if name in ('libfend-net', 'libfend-tls')]:
        program = outside.directory / f'{library}.c'
        program.write_text(manual_program(sources / 'docs' / 'manual' / f'{library}.txt'))
        checks.run(f'the program in {library}(7) compiles',
                   outside.build([*outside.c, '-Wno-unused-parameter'], program, library, library),
                   env=outside.environment)

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
        for kind in ['both', 'static']:
            root = install(checks, directory, kind, arguments)
            if not root:
                continue
            outside = Outside(directory, root / 'usr', arguments)
            if kind == 'static':
                project.check(checks, 'static installed', 'static', **outside.variables)
            else:
                project.check(checks, 'shared installed', 'shared', **outside.variables)
                check_files(checks, root, arguments.sources, arguments.library,
                            'docs=enabled' in arguments.option)
                check_packaging(checks, arguments.sources, root / 'usr', arguments.library)
                check_provider(checks, root / 'usr', arguments)
                check_programs(checks, outside, arguments.sources, arguments.library)


main()
