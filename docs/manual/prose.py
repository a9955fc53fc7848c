# SPDX-License-Identifier: MIT
"""The light text that contracts and overviews are written in, as a tree.

Paragraphs are separated by blank lines. What begins with a tab is shown as it is. Lines that are
indented by two spaces or more are the items of a list: "- text", "1. text", or "term  text", where
two spaces or more come before the text; an item goes on in the lines that are indented further.

A tree is a list of nodes: ('text', words), ('code', lines), ('bullets', trees), ('numbers', trees)
or ('terms', [(term, tree)...]).
"""
import errno
import re

ITEM = re.compile(r' {2,}(?:(?P<bullet>-) (?=\S)|(?P<number>\d+)\. (?=\S)|'
                  r'(?P<term>\S+(?: \S+)*)(?: {2,}|$))')


def indentation(line):
    """The number of leading spaces."""
    return len(line) - len(line.lstrip(' '))


def dedent(lines, width):
    """Without the first spaces of each line, width at most."""
    return [line[min(width, indentation(line)):] for line in lines]


def add_item(tree, kind, item):
    """Append an item to the list that the tree ends with, or begin one."""
    if not tree or tree[-1][0] != kind:
        tree.append((kind, []))
    tree[-1][1].append(item)


def parse_item(lines, tree):
    """Take one item of a list off lines."""
    first = lines.pop(0)
    body = []
    while lines and lines[0].strip() and indentation(lines[0]) > indentation(first):
        body.append(lines.pop(0))
    match = ITEM.match(first)
    text = first[match.end():]
    column = match.end() if text else min(map(indentation, body), default=0)
    content = parse(([text] if text else []) + dedent(body, column))
    if match['term']:
        add_item(tree, 'terms', (match['term'], content))
    else:
        add_item(tree, 'bullets' if match['bullet'] else 'numbers', content)


def parse(lines):
    """The tree of a text, given as lines without the comment around it."""
    lines, tree, words = list(lines), [], []

    def flush():
        if words:
            tree.append(('text', ' '.join(' '.join(words).split())))
            words.clear()

    while lines:
        if lines[0].startswith('\t'):
            flush()
            code = []
            while lines and (lines[0].startswith('\t') or not lines[0].strip()):
                code.append(lines.pop(0)[1:].expandtabs(8).rstrip())
            while not code[-1]:
                code.pop()
            tree.append(('code', code))
        elif lines[0].startswith('  '):
            flush()
            parse_item(lines, tree)
        else:
            line = lines.pop(0).strip()
            if line:
                words.append(line)
            else:
                flush()
    flush()
    return tree


# What stands out in running text. The order matters: the first that matches counts.
SPAN = re.compile(r'''
    (?P<header> <fend/[\w-]+\.h> ) |
    (?P<manual> \b[A-Za-z_][\w.-]*\(\d\) ) |
    (?P<function> \bfend_\w+\(\) ) |
    (?P<rfc> \bRFC\ \d+ ) |
    (?P<string> "[^"]*" ) |
    (?P<name> (?<![\w-])-E[A-Z0-9]+\b | (?<!\w)_[a-z]\w*\b |
              \b(?:fend_\w+ | libfend-\w+ | [A-Z][A-Z0-9]*_[A-Z0-9_]+ | NULL | ''' +
                  ' | '.join(sorted(errno.errorcode.values())) + r''')\b ) |
    (?P<word> [A-Za-z_][\w'-]* ) |
    (?P<other> . )''', re.X | re.S)

# A parameter is often called what it is. After one of these it is the thing that is meant, unless
# a word that begins something new comes in between.
DETERMINERS = set('''a an the this that these those its their his each every all any no some another
    other several one two both own which what whose first last next new many'''.split())
BOUNDARIES = set('''of on in to from with without for by at as than and or but is are was be when if
    until while after before unless into over under through of how where'''.split())


def is_named(words):
    """Does a parameter follow these words, rather than the thing that it is named after?"""
    for word in reversed(words[-4:]):
        if word.lower() in DETERMINERS:
            return False
        if word.lower() in BOUNDARIES or not word[0].isalpha():
            return True
    return True


def spans(text, parameters=()):
    """Split running text into (kind, text), where kind is one of SPAN's, 'parameter' or 'plain'."""
    result, words = [], []
    for match in SPAN.finditer(text):
        kind, piece = match.lastgroup, match.group()
        if kind == 'word':
            named = piece in parameters and is_named(words)
            kind = 'parameter' if named else 'plain'
        elif kind == 'other' or (kind == 'string' and ' ' in piece):
            kind = 'plain'
        if piece.strip():
            words.append(piece)
        if kind == 'plain' and result and result[-1][0] == 'plain':
            result[-1] = ('plain', result[-1][1] + piece)
        else:
            result.append((kind, piece))
    return result


def texts(tree):
    """All running texts of a tree, terms included."""
    for kind, content in tree:
        if kind == 'text':
            yield content
        elif kind == 'terms':
            for term, below in content:
                yield term
                yield from texts(below)
        elif kind in ('bullets', 'numbers'):
            for below in content:
                yield from texts(below)
