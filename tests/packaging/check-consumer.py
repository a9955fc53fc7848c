#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""fend as a Meson subproject, and as a build that is not installed."""
import argparse
import os
import pathlib
import tempfile

import consumer
import tap


def check_uninstalled(checks, project, arguments):
    """With pkg-config and the libraries of the build under test, where they lie."""
    project.check(checks, 'uninstalled', arguments.kind,
                  *[f'-D{option}' for option in arguments.base_option],
                  PKG_CONFIG_PATH=':'.join(filter(None, [str(arguments.build / 'meson-uninstalled'),
                                                         os.environ.get('PKG_CONFIG_PATH')])),
                  LD_LIBRARY_PATH=':'.join(str(arguments.build / library)
                                           for library in arguments.library))


def check_subproject(checks, project, name, kind, arguments, *options):
    """Beneath the project, with the libraries that this build has unless options say otherwise."""
    build = project.check(checks, name, kind, f'-Dfend:default_library={kind}',
                          '--force-fallback-for', ','.join(arguments.library),
                          *[f'-Dfend:{option}' for option in arguments.option], *options)
    if build:
        output = tap.run([arguments.meson, 'introspect', str(build), '--tests']).stdout
        checks.check(f'{name}: the tests of fend stay out of it', output.strip() == '[]', output)


def main():
    parser = argparse.ArgumentParser()
    consumer.add_arguments(parser)
    parser.add_argument('--sources', required=True, type=pathlib.Path)
    parser.add_argument('--build', required=True, type=pathlib.Path, help='the build under test')
    parser.add_argument('--kind', required=True, help='the libraries that are in it')
    parser.add_argument('--option', action='append', default=[], help='an option of fend in it')
    parser.add_argument('--base-option', action='append', default=[],
                        help='an option of Meson in it that its users have to share')
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as name, tap.Checks() as checks:
        project = consumer.Consumer(pathlib.Path(name), arguments)
        check_uninstalled(checks, project, arguments)
        project.add_subproject(arguments.sources)
        for kind in ['shared', 'static']:
            check_subproject(checks, project, f'{kind} subproject', kind, arguments)
        if 'tls' in project.objects:
            project.objects.remove('tls')
            check_subproject(checks, project, 'subproject without TLS', 'shared', arguments,
                             '-Dfend:tls=disabled')


main()
