#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counts what "meson test" has recorded in the file named, a testlog.json.

Prints three numbers, passed, failed and skipped, and on standard error what did not pass. Each
subtest of a program counts (Test Anything Protocol), and a program without any counts as one. A
program that did not end well counts as one failure more unless one of its subtests explains it: a
crash or a timeout after the last of them is told by Meson's result alone. Meson's JUnit file has
the subtests as well, but is no XML when a program has printed control characters.
"""
import collections
import json
import re
import sys

OUTCOMES = {'OK': 'passed', 'EXPECTEDFAIL': 'passed', 'SKIP': 'skipped'}
SUBTEST = re.compile(r'(?P<not>not )?ok\b *\d* *-? *(?P<name>.*?) *(?:# *(?P<skip>skip)\b.*)?$', re.I)


def subtests(output):
    for line in output.splitlines():
        match = SUBTEST.match(line)
        if match:
            yield match['name'], 'failed' if match['not'] else 'skipped' if match['skip'] else 'passed'


def results(program):
    """(name, outcome) for all that one program counts for."""
    found = list(subtests(program.get('stdout', '')))
    outcome = OUTCOMES.get(program['result'], 'failed')
    if not found or (outcome == 'failed' and outcome not in (result for name, result in found)):
        found.append((program['result'], outcome))
    return found


def main():
    counts = collections.Counter()
    with open(sys.argv[1], encoding='utf-8') as log:
        for program in map(json.loads, log):
            for name, outcome in results(program):
                counts[outcome] += 1
                if outcome != 'passed':
                    print(f'{outcome}: {program["name"]}: {name}', file=sys.stderr)
    print(counts['passed'], counts['failed'], counts['skipped'])


main()
