#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The static tracepoints of a library are those that docs/tracing.md lists."""
import argparse
import pathlib
import re

import tap


def read_notes(readelf, path):
    """{provider:name: number of arguments} of the tracepoints in a library."""
    output = tap.run([readelf, '--notes', '--wide', str(path)]).stdout
    notes = re.findall(r'Provider: (\S+)\s+Name: (\S+)\s.*?Arguments:([^\n]*)', output, re.S)
    return {f'{provider}:{name}': len(arguments.split()) for provider, name, arguments in notes}


def read_table(path):
    """The same of the table in the document: arguments are separated by commas that no colon precedes."""
    rows = re.findall(r'^\| `(fend:\w+)` *\| (.*?) *\|$', path.read_text(), re.M)
    return {name: len(re.sub(r':.*', '', arguments).split(', ')) for name, arguments in rows}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--readelf', required=True)
    parser.add_argument('--library', required=True, type=pathlib.Path)
    parser.add_argument('--document', required=True, type=pathlib.Path)
    arguments = parser.parse_args()
    listed = read_table(arguments.document)

    with tap.Checks() as checks:
        checks.check('there are tracepoints', listed)
        checks.check('the document lists what the library has',
                     listed == read_notes(arguments.readelf, arguments.library), [str(listed)])


main()
