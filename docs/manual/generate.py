#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Make the manual: man pages and HTML, of the contracts in the headers and of the overviews here.

usage: generate.py --output DIRECTORY --version VERSION --date DATE
                   --library NAME SYM HEADER... [--library ...]

For each header that declares something there is a page of section 3, and for each function an
alias of it. For each library, and for fend, there is a page of section 7, NAME.txt here; its list of
pages has the line that each page of section 3 begins with. The same input makes the same output,
always.
"""
import argparse
import dataclasses
import pathlib
import re
import sys

import contract
import prose
import roff
import web

HERE = pathlib.Path(__file__).parent

ERRORS = prose.parse('''
Negative values that are special to a function stand with it. Those that any function may return
are not repeated: -EINVAL for a mistake of the caller's, -ENOMEM, -ESHUTDOWN once the loop was freed,
and -ECHILD after fork(2). fend_error(3) explains them, and fend_strerror() has a text for each.
'''.split('\n'))


@dataclasses.dataclass
class Page:
    """A page of the manual: of a header, with blocks, or an overview, with sections."""
    name: str
    section: int
    whatis: str
    library: str = None
    header: str = None
    blocks: list = dataclasses.field(default_factory=list)
    sections: list = dataclasses.field(default_factory=list)  # of (title, tree)
    also: list = dataclasses.field(default_factory=list)      # more for SEE ALSO

    def functions(self):
        """The names of the functions it describes."""
        return [prototype.name for block in self.blocks for prototype in block.functions]

    def names(self):
        """Those that it is found by: its own first."""
        return [self.name] + [name for name in self.functions() if name != self.name]

    def overview_blocks(self):
        """What is said of the whole."""
        return [block for block in self.blocks if not block.titles()]

    def detail_blocks(self):
        """What is said of one thing, or a few."""
        return [block for block in self.blocks if block.titles()]

    @property
    def errors(self):
        """The part that all pages with functions that can fail have in common."""
        results = {prototype.result.strip()
                   for block in self.blocks for prototype in block.functions}
        return ERRORS if results & {'int', 'ssize_t'} and self.name != 'fend_error' else []

    def trees(self):
        """All that is said on it."""
        for block in self.blocks:
            yield block.text
            for composite in block.composites:
                for member in composite.members:
                    yield member if isinstance(member, list) else member.text
        for _, tree in self.sections:
            yield tree
        yield self.errors

    def objects(self):
        """The types of what its functions take and hand out."""
        for block in self.blocks:
            for prototype in block.functions:
                for before, _, _ in prototype.parameters:
                    yield from re.findall(r'\bfend_\w+', before)

    def references(self, manual):
        """(name, section) of each page that it mentions, in order of section and name."""
        found = set(self.also)
        found.update((name, 3) for name in self.objects() if (name, 3) in manual.pages)
        for tree in self.trees():
            for text in prose.texts(tree):
                for kind, piece in prose.spans(text):
                    page = manual.find(kind, piece)
                    if page:
                        found.add((page.name, page.section))
                    elif kind == 'manual':
                        name, _, section = piece.partition('(')
                        found.add((name, int(section[0])))
        found.discard((self.name, self.section))
        # Pages of a library that is left out of this build are not there to be seen.
        return sorted((entry for entry in found if entry in manual.pages
                       or not re.match('(lib)?fend', entry[0])),
                      key=lambda entry: (entry[1], entry[0]))


class Manual:
    """All pages."""

    def __init__(self, version, date):
        self.version, self.date = version, date
        self.pages = {}   # (name, section): Page
        self.places = {}  # name of a function, a type or a constant: (Page, anchor)

    def add(self, page):
        self.pages[page.name, page.section] = page
        if page.header:
            self.places[f'<fend/{page.header}>'] = page, None
        for block in page.blocks:
            for name, anchor in block.anchors():
                if name == anchor or name not in self.places:
                    self.places[name] = page, anchor

    def place(self, kind, text):
        """(Page, anchor) of what a span of running text means, or None."""
        if kind == 'manual':
            name, _, section = text.partition('(')
            page = self.pages.get((name, int(section[0])))
            return page and (page, None)
        name = text[:-2] if kind == 'function' else text
        if kind in ('header', 'function', 'name'):
            page = self.pages.get((name, 3)) or self.pages.get((name, 7))
            return self.places.get(name) or (page and (page, None))
        return None

    def find(self, kind, text):
        """The page of what a span of running text means, or None."""
        place = self.place(kind, text)
        return place and place[0]


def read_overview(name):
    """The page NAME.txt: its first line is its description, lines in capitals begin sections."""
    lines = (HERE / f'{name}.txt').read_text(encoding='utf-8').split('\n')
    page = Page(name, 7, lines[0])
    sections = []
    for line in lines[1:]:
        if re.fullmatch(r'[A-Z][A-Z ]+', line):
            sections.append((line, []))
        elif sections:
            sections[-1][1].append(line)
    page.sections = [(title, prose.parse(body)) for title, body in sections]
    return page


def descriptions(page):
    """{name: text} of the pages that an overview lists."""
    return {term[:-3]: tree[0][1] for _, section in page.sections for kind, content in section
            if kind == 'terms' for term, tree in content if term.endswith('(3)')}


def read_library(manual, name, headers):
    """Add the pages of a library."""
    overview = read_overview(name)
    described = descriptions(overview)
    for header in sorted(headers, key=lambda path: path.name):
        blocks = contract.read(header)
        if not any(block.titles() for block in blocks):
            continue
        title = 'fend_' + header.stem.replace('-', '_')
        if title not in described:
            sys.exit(f'{name}.txt: {title}(3) is missing')
        page = Page(title, 3, described[title], name, header.name, blocks)
        page.also = [('fend', 7), (name, 7)]
        if 'FEND_DEFINE_CLEANUP(' in header.read_text(encoding='utf-8'):
            page.also.append(('fend_cleanup', 3))
        manual.add(page)
    manual.add(overview)


def write(directory, name, text):
    (directory / name).write_text(text, encoding='utf-8')


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--output', required=True, type=pathlib.Path)
    parser.add_argument('--version', required=True)
    parser.add_argument('--date', required=True)
    parser.add_argument('--library', required=True, action='append', nargs='+')
    arguments = parser.parse_args()

    manual = Manual(arguments.version, arguments.date)
    for name, *headers in arguments.library:
        read_library(manual, name, map(pathlib.Path, headers))
    manual.add(read_overview('fend'))

    for page in manual.pages.values():
        write(arguments.output, f'{page.name}.{page.section}', roff.Writer(manual, page).write())
        write(arguments.output, web.file_name(page), web.Writer(manual, page).write())
        for name in page.names()[1:]:
            write(arguments.output, f'{name}.3', f'.so man3/{page.name}.3\n')
    write(arguments.output, 'style.css', (HERE / 'style.css').read_text(encoding='utf-8'))


if __name__ == '__main__':
    main()
