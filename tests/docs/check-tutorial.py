# SPDX-License-Identifier: MIT
"""The tutorial shows its programs as they are.

Each block of it that begins with "```c stepN" must stand in tutorial/stepN.c, once, and the blocks of
a step must hold all lines that it does not have in common with the step before.

usage: check-tutorial.py DOCUMENT
"""
import difflib
import pathlib
import re
import sys


def find(name, lines, block):
    """Where the block stands in lines."""
    places = [n for n in range(len(lines)) if lines[n:n + len(block)] == block]
    if len(places) != 1:
        sys.exit(f'{name} has this {len(places)} times:\n' + '\n'.join(block))
    return places[0]


def check_step(name, blocks, lines, before):
    """Check one step; returns how many lines it has shown."""
    shown = set()
    for block in blocks:
        find(name, lines, block)
        shown |= set(block)
    changes = difflib.SequenceMatcher(a=before, b=lines, autojunk=False).get_opcodes()
    # By their text, since of lines that repeat it is open which one is new.
    hidden = [lines[n] for kind, _, _, first, last in changes if kind != 'equal'
              for n in range(first, last) if lines[n] not in shown and lines[n].strip()]
    if hidden:
        sys.exit(f'{name} has lines that are new and not shown:\n' + '\n'.join(hidden))
    return sum(map(len, blocks))


def main():
    document = pathlib.Path(sys.argv[1])
    text = document.read_text(encoding='utf-8')
    before = ['/* SPDX-License-Identifier: MIT */']
    for n in range(1, 7):
        name = f'step{n}'
        blocks = [block.rstrip('\n').split('\n')
                  for block in re.findall(rf'^```c {name}\n(.*?)^```$', text, re.S | re.M)]
        path = document.parent / 'tutorial' / f'{name}.c'
        lines = path.read_text(encoding='utf-8').rstrip('\n').split('\n')
        print(f'{name}: {check_step(name, blocks, lines, before)} of {len(lines)} lines')
        before = lines


main()
