#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Which versions of c-ares fend is configured with. It sees nothing but a pkg-config file."""
import argparse
import os
import pathlib
import tempfile

import tap

REFUSED = {'1.18.0': 'needs c-ares 1.18.1 or later', '1.20.0': 'crashes or hangs',
           '1.32.0': 'crashes or hangs'}
WARNED_OF = ['1.32.3', '1.34.6']
TAKEN = ['1.18.1', '1.32.2', '1.34.7']
WARNING = 'can be crashed from the network'


def configure(arguments, directory, version):
    """The exit status and output of meson setup."""
    (directory / 'libcares.pc').write_text(
        f'Name: c-ares\nDescription: c-ares\nVersion: {version}\nLibs:\nCflags:\n')
    environment = {**os.environ, 'PKG_CONFIG_LIBDIR': str(directory)}
    environment.pop('PKG_CONFIG_PATH', None)
    build = directory / f'build-{version}'
    command = [arguments.meson, 'setup', '--wrap-mode', 'nofallback', '-Ddns=enabled',
               '-Dtls=disabled', '-Dtests=disabled', '-Dexamples=disabled', '-Didn=disabled',
               str(build), str(arguments.sources)]
    result = tap.run(command, env=environment)
    return result.returncode, ' '.join(result.stdout.split())


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
        for version in WARNED_OF:
            status, output = configure(arguments, directory, version)
            checks.check(f'{version} is warned of', status == 0 and WARNING in output, output)
        for version in TAKEN:
            status, output = configure(arguments, directory, version)
            checks.check(f'{version} is taken', status == 0 and WARNING not in output, output)


main()
