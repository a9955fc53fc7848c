# SPDX-License-Identifier: MIT
"""Print a block of C of a document: the one that begins with "```c NAME".

usage: extract.py DOCUMENT NAME LINES_MAX
"""
import pathlib
import re
import sys

document, name, lines_max = sys.argv[1:]
text = pathlib.Path(document).read_text(encoding='utf-8')
blocks = re.findall(rf'^```c {re.escape(name)}\n(.*?)^```$', text, re.S | re.M)
if len(blocks) != 1:
    sys.exit(f'{document}: {len(blocks)} blocks of the name {name}')
if blocks[0].count('\n') > int(lines_max):
    sys.exit(f'{document}: {name} has more than {lines_max} lines')
line = text[:text.index(blocks[0])].count('\n') + 1
print(f'#line {line} "{pathlib.Path(document).name}"')
print(blocks[0], end='')
