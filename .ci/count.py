#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counts what "meson test" has recorded: count.py LOG, where LOG.json and LOG.junit.xml exist.

Prints three numbers, passed, failed and skipped, and on standard error what did not pass. Each
subtest counts. A program that did not end well counts as one failure more unless one of its
subtests explains it: a crash or a timeout after the last of them is told by Meson's result alone.
"""
import json
import sys
import xml.etree.ElementTree

ENDED_WELL = {'OK', 'EXPECTEDFAIL'}


def main():
    counts = {'passed': 0, 'failed': 0, 'skipped': 0}
    explained = set()
    for suite in xml.etree.ElementTree.parse(sys.argv[1] + '.junit.xml').getroot():
        for case in suite.findall('testcase'):
            if case.find('failure') is not None or case.find('error') is not None:
                outcome = 'failed'
            elif case.find('skipped') is not None:
                outcome = 'skipped'
            else:
                outcome = 'passed'
            name = suite.get('name').partition('.')[2] or case.get('name')
            if outcome != 'passed':
                explained.add(name)
                print(f'{outcome}: {name}: {case.get("name")}', file=sys.stderr)
            counts[outcome] += 1
    with open(sys.argv[1] + '.json', encoding='utf-8') as log:
        for program in map(json.loads, log):
            if program['result'] not in ENDED_WELL and program['name'] not in explained:
                print(f'failed: {program["name"]}: {program["result"]}', file=sys.stderr)
                counts['failed'] += 1
    print(*counts.values())


main()
