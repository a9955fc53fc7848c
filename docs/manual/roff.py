# SPDX-License-Identifier: MIT
"""Pages as man(7) has them."""
import re
import textwrap

import prose

WIDTH = 71  # of a prototype: what man(1) leaves of a line of 80


def escape(text):
    """Text in which nothing is special to troff."""
    for character, name in (('\\', r'\e'), ('^', r'\(ha'), ('~', r'\(ti'), ('`', r'\(ga')):
        text = text.replace(character, name)
    return text


def code(text):
    """Text of a program, where hyphens and quotes are those of ASCII."""
    return escape(text).replace('-', r'\-').replace("'", r'\(aq')


def bold(text):
    return rf'\fB{code(text)}\fP'


def italic(text):
    return rf'\fI{code(text)}\fP'


def guard(line):
    """A line that begins with a text, not with a request."""
    return rf'\&{line}' if line[:1] in ('.', "'") else line


class Writer:
    """Writes one page of a manual."""

    def __init__(self, manual, page):
        self.manual = manual
        self.page = page
        self.lines = []

    def span(self, kind, text):
        if kind in ('plain', 'rfc', 'string'):
            return escape(text)
        if kind == 'parameter':
            return italic(text)
        if kind == 'manual':
            name, _, section = text.partition('(')
            return bold(name) + '(' + section
        return bold(text)

    def inline(self, text, parameters=()):
        return ''.join(self.span(*span) for span in prose.spans(text, parameters))

    def text(self, text, parameters):
        filled = textwrap.wrap(self.inline(text, parameters), 78, break_long_words=False,
                               break_on_hyphens=False)
        self.lines += map(guard, filled)

    def example(self, lines):
        self.lines += ['.in +4n', '.EX', *(guard(code(line)) for line in lines), '.EE', '.in']

    def tree(self, tree, parameters=(), inside=False):
        """Write a tree, at the beginning of a section or inside an item of a list."""
        for n, (kind, content) in enumerate(tree):
            if kind == 'text':
                if n > 0:
                    self.lines.append('.IP' if inside else '.PP')
                self.text(content, parameters)
                continue
            if inside:
                self.lines.append('.RS')
            if kind == 'code':
                self.lines.append('.PP')
                self.example(content)
            elif kind == 'terms':
                for term, below in content:
                    self.item([self.inline(term, parameters)], below, parameters)
            else:
                for number, below in enumerate(content, 1):
                    self.lines.append(r'.IP \(bu 2' if kind == 'bullets' else f'.IP {number}. 4')
                    self.tree(below, parameters, inside=True)
            if inside:
                self.lines.append('.RE')

    def item(self, terms, tree, parameters=()):
        """An item of a list with terms before it."""
        for n, term in enumerate(terms):
            self.lines += ['.TQ' if n else '.TP', guard(term)]
        self.tree(tree, parameters, inside=True)

    def prototype(self, prototype):
        head = bold(prototype.result + prototype.name + '(')
        parameters = [bold(before) + italic(name) + bold(after) if name else bold(before)
                      for before, name, after in prototype.parameters]
        sizes = [sum(map(len, parameter)) for parameter in prototype.parameters]
        start = len(prototype.result + prototype.name) + 1
        indent = start if start + max(sizes) + 2 <= WIDTH else 4
        line, column = head, start
        if indent == 4 and start + sizes[0] + 2 > WIDTH:
            self.lines.append(line)
            line, column = ' ' * indent, indent
        for n, parameter in enumerate(parameters):
            end = ',' if n + 1 < len(parameters) else ');'
            if n > 0:
                if column + 1 + sizes[n] + len(end) > WIDTH:
                    self.lines.append(line)
                    line, column = ' ' * indent, indent
                else:
                    line, column = line + ' ', column + 1
            line, column = line + parameter + bold(end), column + sizes[n] + len(end)
        self.lines.append(line)

    def prototypes(self, prototypes):
        self.lines.append('.nf')
        for prototype in prototypes:
            self.prototype(prototype)
        self.lines.append('.fi')

    def composite(self, composite, named):
        if named and composite.name:
            self.lines.append('.PP')
            self.lines.append(bold(f'{composite.kind} {composite.name}'))
        for member in composite.members:
            if isinstance(member, list):
                self.lines.append('.PP')
                self.tree(member)
            else:
                self.item([bold(name) for name in composite.shown(member)], member.text)

    def block(self, block):
        self.lines.append('.SS ' + ', '.join(code(title) for title in block.titles()))
        callbacks = [prototype for prototype in block.types if not isinstance(prototype, str)]
        if callbacks or block.functions:
            self.prototypes(callbacks + block.functions)
            self.lines.append('.PP')
        others = [text for text in block.types if isinstance(text, str)]
        if others or block.macros:
            self.lines += ['.nf', *(bold(text + ';') for text in others),
                           *(bold('#define ' + text) for text in block.macros), '.fi', '.PP']
        if self.lines[-1] == '.PP' and not block.text:
            self.lines.pop()
        self.tree(block.text, block.parameters())
        for composite in block.composites:
            self.composite(composite, len(block.titles()) > 1 or block.functions)

    def section(self, title):
        self.lines.append('.SH ' + title)

    def synopsis(self):
        self.section('LIBRARY')
        self.text(f'{self.page.library} (pkg-config {self.page.library})', ())
        self.section('SYNOPSIS')
        self.lines += ['.nf', bold(f'#include <fend/{self.page.header}>'), '.fi']
        functions = [prototype for block in self.page.blocks for prototype in block.functions]
        if functions:
            self.lines.append('.PP')
            self.prototypes(functions)

    def description(self):
        self.section('DESCRIPTION')
        for n, block in enumerate(self.page.overview_blocks()):
            if n > 0:
                self.lines.append('.PP')
            self.tree(block.text)
        for block in self.page.detail_blocks():
            self.block(block)
        if self.page.errors:
            self.section('ERRORS')
            self.tree(self.page.errors)

    def see_also(self):
        self.section('SEE ALSO')
        references = self.page.references(self.manual)
        for n, (name, section) in enumerate(references):
            comma = ',' if n + 1 < len(references) else ''
            self.lines.append(f'.BR {code(name)} ({section}){comma}')

    def write(self):
        page = self.page
        names = ', '.join(page.names())
        self.lines = [f'.TH {code(page.name.upper())} {page.section} {self.manual.date} '
                      f'"fend {self.manual.version}" "fend"',
                      '.nh', '.ad l', '.SH NAME',
                      *textwrap.wrap(rf'{code(names)} \- {escape(page.whatis)}', 78,
                                     break_on_hyphens=False)]
        if page.blocks:
            self.synopsis()
            self.description()
        for title, tree in page.sections:
            self.section(title)
            self.tree(tree)
        self.see_also()
        # A paragraph that a list or a heading has begun anyway.
        text = '\n'.join(self.lines) + '\n'
        return re.sub(r'^(\.S[HS] .*\n)?\.PP\n(?(1)|(?=\.(?:PP|TP|IP|SH|SS|RS)\b))', r'\1', text,
                      flags=re.M)
