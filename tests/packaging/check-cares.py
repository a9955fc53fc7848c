#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Which versions of c-ares fend is configured with. It sees nothing but a pkg-config file, or, where
the system has none, a subproject in the place of the one that subprojects/c-ares.wrap downloads."""
import argparse
import configparser
import os
import pathlib
import shutil
import tempfile

import tap

REFUSED = {'1.18.0': 'needs c-ares 1.18.1 or later', '1.20.0': 'crashes or hangs',
           '1.32.0': 'crashes or hangs'}
WARNED_OF = {'1.22.0': 'asks no other server', '1.23.0': 'asks no other server',
             '1.32.3': 'can be crashed from the network',
             '1.34.6': 'can be crashed from the network'}
TAKEN = ['1.18.1', '1.21.0', '1.24.0', '1.32.2', '1.34.7']


def setup(arguments, sources, directory, name, *options):
    """The exit status and output of meson setup, with what pkg-config finds in directory."""
    environment = {**os.environ, 'PKG_CONFIG_LIBDIR': str(directory)}
    environment.pop('PKG_CONFIG_PATH', None)
    command = [arguments.meson, 'setup', *options, '-Dtls=disabled', '-Dtests=disabled',
               '-Dexamples=disabled', '-Didn=disabled', '-Ddocs=disabled',
               str(directory / f'build-{name}'), str(sources)]
    result = tap.run(command, env=environment)
    return result.returncode, ' '.join(result.stdout.split())


def configure(arguments, directory, version):
    """The same where the system has that version."""
    (directory / 'libcares.pc').write_text(
        f'Name: c-ares\nDescription: c-ares\nVersion: {version}\nLibs:\nCflags:\n')
    return setup(arguments, arguments.sources, directory, version, '--wrap-mode', 'nofallback',
                 '-Ddns=enabled')


def copy_with_subproject(arguments, directory):
    """A copy of the sources in which the wrap need not download anything: its version and path."""
    copy = directory / 'sources'
    shutil.copytree(arguments.sources, copy, symlinks=True,
                    ignore=shutil.ignore_patterns('build*', '.git', 'corpus', 'c-ares-*'))
    wrap = configparser.ConfigParser(interpolation=None)
    wrap.read(copy / 'subprojects' / 'c-ares.wrap')
    name, _, version = wrap['wrap-file']['directory'].rpartition('-')
    project = copy / 'subprojects' / f'{name}-{version}'
    project.mkdir()
    (project / 'meson.build').write_text(
        f"project('c-ares', version: '{version}')\n"
        "meson.override_dependency('libcares',\n"
        "  declare_dependency(version: meson.project_version()))\n")
    return version, copy


def check_fallback(arguments, checks, directory):
    version, sources = copy_with_subproject(arguments, directory)
    status, output = setup(arguments, sources, directory, 'fallback', '-Ddns=enabled')
    checks.check('the wrap is fallen back to',
                 status == 0 and f'dns : c-ares {version}' in output, output)
    status, output = setup(arguments, sources, directory, 'auto', '-Ddns=auto')
    checks.check('unless names are optional', status == 0 and 'dns : no' in output, output)
    status, output = setup(arguments, sources, directory, 'nofallback', '-Ddns=enabled',
                           '--wrap-mode', 'nofallback')
    checks.check('or that is forbidden', status != 0 and 'needs c-ares' in output, output)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--meson', required=True)
    parser.add_argument('--sources', required=True, type=pathlib.Path)
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as name, tap.Checks() as checks:
        directory = pathlib.Path(name)
        for version, reason in REFUSED.items():
            status, output = configure(arguments, directory, version)
            checks.check(f'{version} is refused', status != 0 and reason in output, output)
        for version, reason in WARNED_OF.items():
            status, output = configure(arguments, directory, version)
            checks.check(f'{version} is warned of', status == 0 and reason in output, output)
        for version in TAKEN:
            status, output = configure(arguments, directory, version)
            checks.check(f'{version} is taken', status == 0 and
                         not any(reason in output for reason in WARNED_OF.values()), output)
        (directory / 'libcares.pc').unlink()
        check_fallback(arguments, checks, directory)


main()
