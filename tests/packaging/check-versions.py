#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Libraries of two versions of fend refuse to load together.

Two builds are made from the same sources, one of which says that it is of the next version. A program
that uses net runs with both libraries of either, and does not start with one of each.
"""
import argparse
import os
import pathlib
import re
import shutil
import tempfile

import tap

HERE = pathlib.Path(__file__).parent


def following(version):
    """The version after that."""
    parts = version.split('.')
    return '.'.join([*parts[:-1], str(int(parts[-1]) + 1)])


def build(checks, directory, arguments, version):
    """core and net, as of that version; the build directory, or None."""
    sources, builddir = directory / f'sources-{version}', directory / f'build-{version}'
    sources.mkdir()
    for path in arguments.sources.glob('*/meson.build'):
        shutil.copytree(path.parent, sources / path.parent.name)
    shutil.copy(arguments.sources / 'meson_options.txt', sources)
    text = (arguments.sources / 'meson.build').read_text()
    (sources / 'meson.build').write_text(
        text.replace(f"version: '{arguments.version}'", f"version: '{version}'", 1))
    if checks.run(f'version {version} configures', [
            arguments.meson, 'setup', '--wrap-mode', 'nodownload', '-Ddefault_library=shared',
            '-Dtls=disabled', '-Ddns=disabled', '-Dtests=disabled', '-Dexamples=disabled',
            str(builddir), str(sources)], env=dict(os.environ, CC=arguments.c)) is None:
        return None
    output = checks.run(f'version {version} builds', [arguments.meson, 'compile', '-C', str(builddir)])
    return builddir if output is not None else None


def collect(directory, core, net):
    """A directory with these two builds' libraries, where nothing else tells where to look."""
    directory.mkdir()
    shutil.copy(core / 'libfend-core' / 'libfend-core.so.0', directory)
    shutil.copy(net / 'libfend-net' / 'libfend-net.so.0', directory)
    return directory


def link(checks, program, arguments, builddir):
    """A user's program with net."""
    libraries = ('libfend-core', 'libfend-net')
    return checks.run('a program links', [
        *arguments.c.split(), str(HERE / 'use-net.c'), '-o', str(program),
        *(f'-I{root / library / "include"}' for root in (arguments.sources, builddir)
          for library in libraries),
        *(f'-L{builddir / library}' for library in libraries),
        '-lfend-net', '-lfend-core']) is not None


def main():
    parser = argparse.ArgumentParser()
    for name in ['c', 'meson', 'version']:
        parser.add_argument(f'--{name}', required=True)
    parser.add_argument('--sources', required=True, type=pathlib.Path)
    arguments = parser.parse_args()
    later = following(arguments.version)

    with tempfile.TemporaryDirectory() as name, tap.Checks() as checks:
        directory = pathlib.Path(name)
        builds = {version: build(checks, directory, arguments, version)
                  for version in (arguments.version, later)}
        program = directory / 'use-net'
        if None in builds.values() or not link(checks, program, arguments,
                                               builds[arguments.version]):
            return
        for core, core_build in builds.items():
            for net, net_build in builds.items():
                libraries = collect(directory / f'core-{core}-net-{net}', core_build, net_build)
                result = tap.run([str(program)], env=dict(os.environ,
                                                          LD_LIBRARY_PATH=str(libraries)))
                refused = re.search(rf'LIBFEND_CORE_PRIVATE_{re.escape(net)}\W', result.stdout)
                checks.check(f'core {core}, net {net}: it {"runs" if core == net else "is refused"}',
                             result.returncode == 0 if core == net
                             else result.returncode != 0 and refused,
                             f'status {result.returncode}', result.stdout)


main()
