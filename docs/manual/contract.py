# SPDX-License-Identifier: MIT
"""What a public header declares, and the contracts that it states about it.

A header is read as the list of its blocks, in its own order: a comment and the declarations that
follow it without a blank line. A comment at the end of a line belongs to what stands before it.
"""
import dataclasses
import re
import textwrap

import prose

TOKEN = re.compile(r'''
    (?P<comment> /\*.*?\*/ ) |
    (?P<blank> \n[ \t]*(?=\n) ) |
    (?P<define> \#define\s+(?:[^\n\\]|\\\n|\\[^\n])* ) |
    (?P<directive> \#(?:[^\n\\]|\\\n)* ) |
    (?P<cleanup> FEND_DEFINE_CLEANUP\(\w+\) ) |
    (?P<space> \s+ ) |
    (?P<code> . )''', re.X | re.S)


@dataclasses.dataclass
class Prototype:
    """A function, or the type of one."""
    result: str       # with "typedef" before it for a type
    name: str
    parameters: list  # of (before the name, name, after it)


@dataclasses.dataclass
class Member:
    """Members of a struct or constants of an enum that share a text."""
    names: list
    text: list
    shared: bool = False  # text stood above, and holds for those that follow


@dataclasses.dataclass
class Composite:
    """A struct or an enum. members holds Member, and trees for what is said of several."""
    kind: str
    name: str  # or None
    members: list

    def anchor(self):
        """A function may be called as a struct is."""
        return f'{self.kind}-{self.name}'

    def shown(self, member):
        """How its names are shown: of a constant the value is nobody's concern."""
        return [name.split()[0] for name in member.names] if self.kind == 'enum' else member.names


@dataclasses.dataclass
class Block:
    """A contract and what it is about."""
    text: list = dataclasses.field(default_factory=list)
    functions: list = dataclasses.field(default_factory=list)  # Prototype
    types: list = dataclasses.field(default_factory=list)      # Prototype of a callback, or texts
    composites: list = dataclasses.field(default_factory=list)
    macros: list = dataclasses.field(default_factory=list)     # texts
    opaque: str = None  # a struct that is only declared, if that is not what the header is about

    def parameters(self):
        """The names of all parameters."""
        return {name for prototype in self.functions + self.types
                if isinstance(prototype, Prototype)
                for _, name, _ in prototype.parameters if name}

    def titles(self):
        """What it is about, in the words of a heading; nothing if it is about the whole header."""
        callbacks = [prototype.name + '()' for prototype in self.types
                     if isinstance(prototype, Prototype)]
        return ([prototype.name + '()' for prototype in self.functions] or callbacks or
                [f'{composite.kind} {composite.name}' if composite.name else 'Constants'
                 for composite in self.composites] or
                [text.split()[-1] for text in self.types] or
                [macro.split()[0] for macro in self.macros] or
                ([f'struct {self.opaque}'] if self.opaque else []))

    def anchors(self):
        """(name, anchor) of all that is declared in it."""
        for prototype in self.functions + self.types:
            name = prototype.name if isinstance(prototype, Prototype) else prototype.split()[-1]
            yield name, name
        for composite in self.composites:
            if composite.name:
                yield composite.name, composite.anchor()
            for member in composite.members if composite.kind == 'enum' else []:
                for name in composite.shown(member) if isinstance(member, Member) else []:
                    yield name, name
        if self.opaque:
            yield self.opaque, f'struct-{self.opaque}'
        for macro in self.macros:
            name = re.match(r'\w+', macro)[0]
            yield name, name


def comment_lines(comment):
    """The text in a comment, without what makes it one."""
    lines = comment[2:-2].strip('\n').split('\n')
    if len(lines) == 1:
        return [lines[0].strip()]
    lines = [re.sub(r'^\s*\* ?', '', line).rstrip() for line in lines]
    if lines[0].startswith('/*'):
        lines[0] = lines[0][2:]
    return lines


def split_parameters(text):
    """The parameters between the parentheses of a prototype."""
    parts, depth = [''], 0
    for character in text:
        depth += (character == '(') - (character == ')')
        if character == ',' and depth == 0:
            parts.append('')
        else:
            parts[-1] += character
    result = []
    for part in (' '.join(part.split()) for part in parts):
        match = re.fullmatch(r'(.*\(\*)(\w+)(\).*)|(.*[ *])(\w+)()', part)
        groups = match.groups() if match else (part, '', '')
        result.append(tuple(group for group in groups if group is not None))
    return result


def parse_prototype(code):
    """A prototype, if code is one."""
    match = re.fullmatch(r'((?:typedef )?[\w ]+?[ *]+)(\w+)\((.*)\)', code)
    return match and Prototype(match[1], match[2], split_parameters(match[3]))


def tokens(text, end=';'):
    """(kind, text, whether it follows something on its line) of what matters in a piece of C.

    A piece of code ends with the character end, outside of braces and parentheses.
    """
    code, line_has_code = '', False
    for match in TOKEN.finditer(text):
        kind, piece = match.lastgroup, match.group()
        if kind == 'code' or (kind == 'space' and code):
            code += piece
            balanced = all(code.count(a) == code.count(b) for a, b in ('{}', '()'))
            if piece == end and balanced:
                yield 'code', code, False
                code, line_has_code = '', True
        elif kind == 'comment' and code and '{' in code:
            code += piece
        elif kind == 'comment' and code.strip():
            # After the last of several, before the comma or the semicolon.
            yield 'code', code, False
            code, line_has_code = '', True
            yield 'comment', piece, True
        elif kind == 'comment':
            yield 'comment', piece, line_has_code
        elif kind in ('blank', 'define') and not code:
            yield kind, piece, False
        elif kind == 'blank':
            code += piece
        if '\n' in piece and not code:
            line_has_code = False
    if code.strip():
        yield 'code', code, False


def parse_member(code):
    """How a member is declared; what is inside of it, as it is, if that is a struct or a union."""
    match = re.fullmatch(r'\s*(struct|union)\s*\{\n(.*\n)\s*\}\s*(\w+);\s*', code, re.S)
    if not match:
        return ' '.join(code.strip(' \t\n;,').split()), []
    lines = textwrap.dedent(match[2].expandtabs(8)).rstrip().split('\n')
    return f'{match[1]} {match[3]}', [('code', lines)]


def parse_members(body, end):
    """What is between the braces of a struct or an enum, where a member ends with end."""
    members, above, fresh = [], None, True
    for kind, piece, trailing in tokens(body, end):
        if kind == 'blank':
            above, fresh = None, True
        elif kind == 'comment' and trailing:
            if len(members[-1].names) > 1:
                # It has a text of its own after all.
                members.append(Member([members[-1].names.pop()], []))
            elif above is not None and members[-1].shared:
                members[-1:-1] = [above]
            inside = [node for node in members[-1].text if node[0] == 'code']
            members[-1].text = prose.parse(comment_lines(piece)) + inside
            above, fresh = None, True
        elif kind == 'comment':
            if comment_lines(piece) == ['private']:
                break
            above, fresh = prose.parse(comment_lines(piece)), True
        elif kind == 'code':
            name, inside = parse_member(piece)
            if not name:
                continue
            if above is not None and not fresh:
                members[-1].names.append(name)
                continue
            members.append(Member([name], (above or []) + inside, above is not None))
            fresh = above is None
    return members


def parse_composite(code):
    """A struct or an enum with its members, if code is one."""
    match = re.fullmatch(r'(struct|enum)\s*(\w+)?\s*\{(.*)\}', code, re.S)
    if not match:
        return None
    end = ';' if match[1] == 'struct' else ','
    return Composite(match[1], match[2], parse_members(match[3], end))


def add_declaration(block, code, subject):
    """Sort a declaration into its block.

    One that only announces a struct adds nothing, but where the header has a subject already.
    """
    flat = ' '.join(code.strip(' \t\n;').split())
    composite = parse_composite(code.strip(' \t\n;'))
    prototype = parse_prototype(flat)
    if composite:
        block.composites.append(composite)
    elif prototype and flat.startswith('typedef'):
        block.types.append(prototype)
    elif prototype:
        block.functions.append(prototype)
    elif flat.startswith('typedef'):
        block.types.append(flat)
    elif re.fullmatch(r'struct \w+', flat):
        block.opaque = flat.split()[1] if subject and block.text else None
    else:
        raise ValueError(f'neither a function nor a type: {flat}')


def read(path):
    """The blocks of a header."""
    text = path.read_text(encoding='utf-8')
    text = re.sub(r'^/\* SPDX.*?\*/\n', '', text)
    text = re.sub(r'^#(ifndef|define) FEND_\w+_H$', '', text, flags=re.M)
    text = re.sub(r'^#ifdef __cplusplus\n.*?^#endif$', '', text, flags=re.M | re.S)
    text = re.sub(r'^static inline .*?^\}$', '', text, flags=re.M | re.S)
    blocks, block = [], Block()
    for kind, piece, trailing in tokens(text):
        if trailing:
            # Where another header declares what is only announced here.
            assert re.fullmatch(r'/\* <[\w/.]+> \*/', piece), f'{path}: {piece}'
            continue
        if kind in ('blank', 'comment'):
            if block != Block():
                blocks.append(block)
            block = Block()
        if kind == 'comment':
            block.text = prose.parse(comment_lines(piece))
        elif kind == 'define':
            macro = re.match(r'#define\s+(\w+(?:\([^)]*\))?)\s*([^\\\n]*)', piece)
            inner = '\\' in piece or '__attribute__' in piece
            short = macro[1] if inner else macro[1] + ' ' + macro[2]
            if not any(macro[1] in other for known in blocks + [block] for other in known.macros):
                block.macros.append(' '.join(short.split()))
        elif kind == 'code':
            add_declaration(block, piece, any(known.text for known in blocks))
    if block != Block():
        blocks.append(block)
    return blocks
