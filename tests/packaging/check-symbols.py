#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a shared library exports, what its .sym file lists and what its headers declare agree.

The public nodes belong to the public headers, the private node to the internal ones. The node of
each symbol is compared as well, since a symbol that moves to another node breaks programs.
"""
import argparse
import pathlib
import re

import tap


def read_sym(path, version):
    """{symbol: node} of a version script without wildcards."""
    text = path.read_text().replace('@VERSION@', version)
    symbols = {}
    for node, body in re.findall(r'(\w[\w.]*)\s*\{(.*?)\}', text, re.S):
        for name in re.findall(r'(\w+);', body.partition('local:')[0]):
            symbols[name] = node
    return symbols


def read_library(nm, path):
    """{symbol: node} that the library defines for others."""
    output = tap.run([nm, '-D', '--defined-only', '--with-symbol-versions', str(path)]).stdout
    symbols = {}
    for line in output.splitlines():
        kind, name = line.split()[-2:]
        if kind != 'A':
            symbols.update([re.split('@+', name) if '@' in name else (name, '(none)')])
    return symbols


def read_headers(paths):
    """The functions and variables that headers declare for others to link with."""
    names = set()
    for path in paths:
        text = re.sub(r'/\*.*?\*/', ' ', path.read_text(), flags=re.S)
        text = re.sub(r'^#ifdef __cplusplus$.*?^#endif$', '', text, flags=re.M | re.S)
        text = re.sub(r'^#(?:.*\\\n)*.*$', '', text, flags=re.M)
        text = re.sub(r'^FEND_DEFINE_CLEANUP\(\w+\)$', '', text, flags=re.M)
        while '{' in text:
            text, count = re.subn(r'\{[^{}]*\}', ';', text)
            assert count, f'{path}: braces do not match'
        for statement in text.split(';'):
            if re.match(r'\s*(typedef|static)\b', statement):
                continue
            function = re.search(r'\b(fend_\w+)\s*\(', statement)
            variable = re.match(r'\s*extern\b.*?(fend_\w+)\s*(\[.*)?$', statement, re.S)
            if function or variable:
                names.add((function or variable).group(1))
    return names


def check_soname(checks, readelf, library, sources):
    """The soname is what PACKAGING.md promises, and what the Debian package is named after."""
    name = sources.name
    output = tap.run([readelf, '-dW', str(library)]).stdout
    soname = re.search(r'\(SONAME\).*\[(.*)\]', output)
    row = re.search(rf'^\| `{name}` *\| `([^`]*)`', (sources.parent / 'PACKAGING.md').read_text(), re.M)
    package = f'{name}{row[1].rpartition(".")[2]}'
    symbols = sources.parent / 'tests' / 'packaging' / 'debian' / f'{package}.symbols'
    checks.check('the soname is the documented one', soname and soname[1] == row[1], output)
    checks.check('the package is named after it', symbols.exists() and
                 symbols.read_text().startswith(f'{row[1]} {package} '), str(symbols))


def check_fellows(checks, readelf, library, version):
    """A library above core asks for a private node of another one, which is of its own version."""
    output = tap.run([readelf, '-VW', str(library)]).stdout
    needs = output.partition('Version needs section')[2]
    nodes = set(re.findall(r'\bLIBFEND_\w+_PRIVATE_[\d.]+', needs))
    checks.check('it loads with libraries of its version only',
                 nodes and all(node.endswith(f'_PRIVATE_{version}') for node in nodes), output)


def compare(checks, name, expected, actual):
    checks.check(name, expected == actual,
                 [f'missing: {entry}' for entry in sorted(expected - actual)],
                 [f'unexpected: {entry}' for entry in sorted(actual - expected)])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--nm', required=True)
    parser.add_argument('--readelf', required=True)
    parser.add_argument('--version', required=True)
    parser.add_argument('--library', required=True, type=pathlib.Path)
    parser.add_argument('--sources', required=True, type=pathlib.Path, help='its source directory')
    arguments = parser.parse_args()

    name = arguments.sources.name
    listed = read_sym(arguments.sources / f'{name}.sym', arguments.version)
    exported = read_library(arguments.nm, arguments.library)
    private_node = f'{name.upper().replace("-", "_")}_PRIVATE_{arguments.version}'
    private = {symbol for symbol, node in listed.items() if node == private_node}
    public_headers = list((arguments.sources / 'include' / 'fend').glob('*.h*'))

    with tap.Checks() as checks:
        checks.check('there are headers and symbols', listed and public_headers)
        compare(checks, f'{name}.sym lists what is exported', set(listed.items()),
                set(exported.items()))
        compare(checks, 'the public nodes hold what the public headers declare',
                read_headers(public_headers), set(listed) - private)
        compare(checks, 'the private node holds what the internal headers declare',
                read_headers((arguments.sources / 'internal' / 'fend-internal').glob('*.h')), private)
        check_soname(checks, arguments.readelf, arguments.library, arguments.sources)
        if name != 'libfend-core':
            check_fellows(checks, arguments.readelf, arguments.library, arguments.version)
        checks.check('public names begin with fend_, private ones with fend__',
                     all(re.match('fend__' if symbol in private else 'fend_[a-z]', symbol)
                         for symbol in listed))


main()
