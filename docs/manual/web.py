# SPDX-License-Identifier: MIT
"""Pages as HTML, in the syntax that is XML as well."""
import html

import prose

WIDTH = 88  # of a prototype

TEMPLATE = '''<!DOCTYPE html>
<html lang="en" xmlns="http://www.w3.org/1999/xhtml">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<title>{title}</title>
<link rel="stylesheet" href="style.css"/>
</head>
<body>
<nav>{navigation}</nav>
<main>
<h1>{heading}</h1>
{body}
</main>
<footer>fend {version}, {date}</footer>
</body>
</html>
'''


def escape(text):
    return html.escape(text, quote=True)


def file_name(page):
    """The page's own; that of fend(7) is where one begins."""
    return 'index.html' if page.name == 'fend' else f'{page.name}.{page.section}.html'


class Writer:
    """Writes one page."""

    def __init__(self, manual, page):
        self.manual = manual
        self.page = page
        self.lines = []

    def link(self, place, text):
        """text as a link to (Page, anchor); as it is where that is this page as a whole."""
        if place is None or place == (self.page, None):
            return text
        page, anchor = place
        address = '' if page is self.page else file_name(page)
        return f'<a href="{address}{"#" + anchor if anchor else ""}">{text}</a>'

    def span(self, kind, text):
        escaped = escape(text)
        if kind == 'plain':
            return escaped
        if kind == 'rfc':
            number = text.split()[1]
            return f'<a href="https://www.rfc-editor.org/rfc/rfc{number}">{escaped}</a>'
        if kind == 'parameter':
            return f'<var>{escaped}</var>'
        if kind == 'manual':
            name, _, section = escaped.partition('(')
            return self.link(self.manual.place(kind, text), f'<b>{name}</b>({section}')
        return self.link(self.manual.place(kind, text), f'<code>{escaped}</code>')

    def inline(self, text, parameters=()):
        return ''.join(self.span(*span) for span in prose.spans(text, parameters))

    def tree(self, tree, parameters=()):
        for kind, content in tree:
            if kind == 'text':
                self.lines.append(f'<p>{self.inline(content, parameters)}</p>')
            elif kind == 'code':
                self.lines.append('<pre>' + escape('\n'.join(content)) + '</pre>')
            elif kind == 'terms':
                self.lines.append('<dl>')
                for term, below in content:
                    self.item([('', self.inline(term, parameters))], below, parameters)
                self.lines.append('</dl>')
            else:
                tag = 'ul' if kind == 'bullets' else 'ol'
                self.lines.append(f'<{tag}>')
                for below in content:
                    self.lines.append('<li>')
                    self.tree(below, parameters)
                    self.lines.append('</li>')
                self.lines.append(f'</{tag}>')

    def item(self, terms, tree, parameters=()):
        for anchor, term in terms:
            identity = f' id="{anchor}"' if anchor else ''
            self.lines.append(f'<dt{identity}>{term}</dt>')
        self.lines.append('<dd>')
        self.tree(tree, parameters)
        self.lines.append('</dd>')

    def declaration(self, text):
        """C, in which what has a page leads there."""
        return ''.join(self.link(self.manual.place('name', piece), escape(piece))
                       if kind == 'name' else escape(piece) for kind, piece in prose.spans(text))

    def prototype(self, prototype, linked):
        """A function as it is declared; its name leads to where it is explained if linked."""
        parameters = [(self.declaration(before) + (f'<var>{name}</var>' if name else '') +
                       self.declaration(after), len(before + name + after))
                      for before, name, after in prototype.parameters]
        start = len(prototype.result + prototype.name) + 1
        indent = start if start + max(size for _, size in parameters) + 2 <= WIDTH else 8
        name = f'<b>{prototype.name}</b>'
        if linked:
            name = self.link((self.page, prototype.name), name)
        line, column = f'{self.declaration(prototype.result)}{name}(', start
        for n, (parameter, size) in enumerate(parameters):
            end = ',' if n + 1 < len(parameters) else ');'
            if column + 1 + size + len(end) > WIDTH:
                line, column = line + '\n' + ' ' * indent, indent
            elif n > 0:
                line, column = line + ' ', column + 1
            line, column = line + parameter + end, column + size + len(end)
        return line

    def composite(self, composite, named):
        if named and composite.name:
            self.lines.append(f'<p id="{composite.anchor()}">'
                              f'<code>{composite.kind} {composite.name}</code></p>')
        opened = False
        for member in composite.members:
            if isinstance(member, list):
                if opened:
                    self.lines.append('</dl>')
                    opened = False
                self.tree(member)
                continue
            if not opened:
                self.lines.append('<dl class="members">')
                opened = True
            anchored = composite.kind == 'enum'
            self.item([(name if anchored else '', f'<code>{self.declaration(name)}</code>')
                       for name in composite.shown(member)], member.text)
        if opened:
            self.lines.append('</dl>')

    def block(self, block):
        named = len(block.titles()) > 1 or block.functions
        alone = [] if named else [composite.anchor() for composite in block.composites
                                   if composite.name]
        alone += [f'struct-{block.opaque}'] if block.opaque else []
        self.lines.append(f'<section id="{alone[0]}">' if alone else '<section>')
        self.lines.append('<h3>' + ', '.join(f'<code>{escape(title)}</code>'
                                             for title in block.titles()) + '</h3>')
        callbacks = [prototype for prototype in block.types if not isinstance(prototype, str)]
        lines = [f'<span id="{prototype.name}">{self.prototype(prototype, False)}</span>'
                 for prototype in callbacks + block.functions]
        lines += [f'<span id="{text.split()[-1]}">{escape(text)};</span>'
                  for text in block.types if isinstance(text, str)]
        lines += [f'<span id="{text.split("(")[0].split()[0]}">#define {escape(text)}</span>'
                  for text in block.macros]
        if lines:
            self.lines.append('<pre class="declaration">' + '\n'.join(lines) + '</pre>')
        self.tree(block.text, block.parameters())
        for composite in block.composites:
            self.composite(composite, named)
        self.lines.append('</section>')

    def heading(self, title):
        self.lines.append(f'<h2>{title.capitalize()}</h2>')

    def header(self):
        """Synopsis and description of a header."""
        functions = [prototype for block in self.page.blocks for prototype in block.functions]
        self.heading('SYNOPSIS')
        self.lines.append(f'<p>In {self.inline(self.page.library)}: '
                          f'<code>#include &lt;fend/{self.page.header}&gt;</code></p>')
        if functions:
            self.lines.append('<pre class="declaration">' +
                              '\n'.join(self.prototype(function, True) for function in functions) +
                              '</pre>')
        self.heading('DESCRIPTION')
        for block in self.page.overview_blocks():
            self.tree(block.text)
        for block in self.page.detail_blocks():
            self.block(block)
        if self.page.errors:
            self.heading('ERRORS')
            self.tree(self.page.errors)

    def all_functions(self):
        """Each function of the library whose overview this is, in the order of their names."""
        pages = {name: page for page in self.manual.pages.values()
                 if page.library == self.page.name for name in page.functions()}
        self.heading('FUNCTIONS')
        self.lines.append('<ul class="functions">')
        for name, page in sorted(pages.items()):
            self.lines.append(f'<li>{self.link((page, name), f"<code>{name}()</code>")}</li>')
        self.lines.append('</ul>')

    def see_also(self):
        self.heading('SEE ALSO')
        references = (self.span('manual', f'{name}({section})')
                      for name, section in self.page.references(self.manual))
        self.lines.append('<p>' + ', '.join(references) + '</p>')

    def write(self):
        page = self.page
        if page.blocks:
            self.header()
        for title, tree in page.sections:
            self.heading(title)
            self.tree(tree)
        if page.section == 7 and page.name != 'fend':
            self.all_functions()
        self.see_also()
        overviews = [('fend', 7)] + [entry for entry in self.manual.pages if entry[1] == 7
                                     and entry[0] != 'fend']
        navigation = ' '.join(self.link((self.manual.pages[entry], None), entry[0])
                              for entry in overviews)
        return TEMPLATE.format(
            title=f'{page.name}({page.section})', navigation=navigation,
            heading=f'{page.name}({page.section}) <span>{escape(page.whatis)}</span>',
            body='\n'.join(self.lines), version=self.manual.version, date=self.manual.date)
