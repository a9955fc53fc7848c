#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each public header compiles alone, twice included, without a warning, as C99 to C17, C++11, C++20."""
import argparse
import pathlib

import tap

FLAGS = ['-Wall', '-Wextra', '-Werror', '-pedantic', '-fsyntax-only']


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--c', required=True)
    parser.add_argument('--cxx', help='no C++ compiler: leave C++ out')
    parser.add_argument('--include', action='append', required=True, type=pathlib.Path)
    arguments = parser.parse_args()

    languages = [('c', standard, arguments.c) for standard in ('c99', 'c11', 'c17')]
    if arguments.cxx:
        languages += [('c++', standard, arguments.cxx) for standard in ('c++11', 'c++20')]
    headers = sorted(path.relative_to(directory) for directory in arguments.include
                     for path in directory.glob('fend/*.h'))
    include = [f'-I{directory}' for directory in arguments.include]

    with tap.Checks() as checks:
        for header in headers:
            source = f'#include <{header}>\n#include <{header}>\ntypedef int not_empty;\n'
            for language, standard, compiler in languages:
                command = compiler.split() + FLAGS + include + [f'-std={standard}', '-x', language, '-']
                result = tap.subprocess.run(command, input=source, text=True, check=False,
                                            capture_output=True)
                checks.check(f'{standard} <{header}>', result.returncode == 0, result.stderr)


main()
