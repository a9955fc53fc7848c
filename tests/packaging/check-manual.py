#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The manual as it was made: all that is public is in it, and nothing else.

It is compared with the .sym files. The man pages have to please mandoc; those of HTML have to be
well-formed, and each link in them has to lead somewhere. The same input has to make the same
output.
"""
import argparse
import collections
import html
import os
import pathlib
import re
import tempfile
import xml.etree.ElementTree

import tap

# They speak of names that stand for any, or for parts of one.
LOOSE_DOCUMENTS = ['CONTRIBUTING.md', 'tls-verdicts.md']


def public_functions(sources, libraries):
    """What the .sym files export to everybody."""
    names = set()
    for library in libraries:
        text = (sources / library / f'{library}.sym').read_text()
        names |= set(re.findall(r'\b(fend_(?!_)\w+);', text))
    return names


def known_names(sources, libraries):
    """Functions, and what may be mentioned like one: types of callbacks, cleanup helpers."""
    names = public_functions(sources, libraries)
    for library in libraries:
        for header in (sources / library / 'include' / 'fend').glob('*.h'):
            text = header.read_text()
            names |= set(re.findall(r'^typedef [\w ]+ \*?(fend_\w+)\(', text, re.M))
            names |= {name + 'p' for name in re.findall(r'^(fend_\w+_unref)p\(', text, re.M)}
            names |= {f'{name}_freep'
                      for name in re.findall(r'^FEND_DEFINE_CLEANUP\((\w+)\)', text, re.M)}
    return names


def plain(text):
    """The text of a man page without fonts and escapes of single characters."""
    text = re.sub(r'\\f[BIRP]', '', text)
    for escape, character in ((r'\-', '-'), (r'\(aq', "'"), (r'\e', '\\')):
        text = text.replace(escape, character)
    return text


def names_of(page):
    """What its NAME section lists."""
    section = re.search(r'^\.SH NAME\n(.*?)\s-\s', page, re.S | re.M).group(1)
    return set(section.replace(',', ' ').split())


def read_pages(directory):
    """({name: plain text} of the pages, {alias: page})."""
    pages, aliases = {}, {}
    for path in directory.glob('*.[37]'):
        text = path.read_text(encoding='utf-8')
        if text.startswith('.so '):
            aliases[path.stem] = re.fullmatch(r'\.so man3/(\w+)\.3\n', text).group(1)
        else:
            pages[path.stem] = plain(text)
    return pages, aliases


def check_names(checks, pages, aliases, functions):
    """Can each function be found, on a page that knows of it?"""
    lost = [name for name in functions
            if name not in names_of(pages.get(aliases.get(name, name), '.SH NAME\n - '))]
    checks.check('each public function has a page', functions and not lost, sorted(lost))
    shown = {name: text.partition('.SH SYNOPSIS')[2].partition('.SH DESCRIPTION')[0]
             for name, text in pages.items()}
    hidden = [name for name in functions - set(lost)
              if not re.search(rf'\b{name}\(', shown[aliases.get(name, name)])]
    checks.check('each synopsis shows its functions', not hidden, sorted(hidden))
    listed = set.union(*map(names_of, pages.values()))
    checks.check('no page is for what does not exist',
                 not set(aliases) - functions and not listed - functions - set(pages),
                 sorted(set(aliases) - functions), sorted(listed - functions - set(pages)))


def check_texts(checks, pages, sources):
    """Do pages and documents speak of functions and pages that exist, built here or not?"""
    libraries = [path.name for path in sources.glob('libfend-*')]
    known = known_names(sources, libraries)
    titles = {path.stem for path in (sources / 'docs' / 'manual').glob('*.txt')}
    titles |= {f'fend_{path.name.partition(".")[0]}'.replace('-', '_') for library in libraries
               for path in (sources / library / 'include' / 'fend').glob('*.h*')}
    texts = dict(pages)
    documents = {path.name: path.read_text(encoding='utf-8')
                 for path in [*sources.glob('*.md'), *(sources / 'docs').glob('*.md')]
                 if path.name not in LOOSE_DOCUMENTS}
    check_documents(checks, documents, sources)
    texts.update(documents)
    for name, text in sorted(texts.items()):
        wrong = set(re.findall(r'\b(fend_\w+)\(\)', text)) - known
        wrong |= set(re.findall(r'\b((?:lib)?fend[\w-]*)\([37]\)', text)) - titles
        checks.check(f'{name} names what exists', not wrong, sorted(wrong))


def check_documents(checks, documents, sources):
    """Are the constants, the ends of names and the members that documents have in the headers?"""
    declarations = '\n'.join(re.sub(r'/\*.*?\*/', '', path.read_text(), flags=re.S)
                             for path in sources.glob('libfend-*/include/fend/*.h*'))
    names = set(re.findall(r'\w+', declarations))
    for name, text in sorted(documents.items()):
        wrong = set(re.findall(r'\bFEND_[A-Z_]+\b', text)) - names - {'FEND_DISPATCHER'}
        wrong |= set(re.findall(r'`\.(\w+)`', text)) - names - {'so', 'pc', 'sym'}
        wrong |= {end for end in re.findall(r'`(_\w+)`', text)
                  if not any(re.fullmatch(r'fend_\w+' + end, word) for word in names)}
        checks.check(f'{name} has constants and members that exist', not wrong, sorted(wrong))


def comment_words(header):
    """The words of all comments, as often as they occur."""
    text = re.sub(r'/\* SPDX.*?\*/|/\* <[\w/.]+> \*/|/\* private \*/', '', header.read_text())
    comments = re.sub(r'^[ \t*]+\d+\. ', '', '\n'.join(re.findall(r'/\*(.*?)\*/', text, re.S)),
                      flags=re.M)
    return collections.Counter(re.findall(r'\w+', comments))


def check_words(checks, directory, headers):
    """Is each word of a contract on its page, in both forms?"""
    for header in headers:
        title = f'fend_{header.name.partition(".")[0]}'.replace('-', '_')
        web = directory / f'{title}.3.html'
        if not web.exists():
            continue
        forms = [plain((directory / f'{title}.3').read_text(encoding='utf-8')),
                 html.unescape(re.sub(r'<[^>]*>', '', web.read_text(encoding='utf-8')))]
        words = comment_words(header)
        lost = [words - collections.Counter(re.findall(r'\w+', form)) for form in forms]
        checks.check(f'the whole contract of <fend/{header.name}> is on its page', not any(lost),
                     [' '.join(counter) for counter in lost])


def check_web(checks, directory):
    """HTML: well-formed, no identifier twice, no link to nowhere."""
    links, places = [], set()
    for path in sorted(directory.glob('*.html')):
        try:
            tree = xml.etree.ElementTree.parse(path)
        except xml.etree.ElementTree.ParseError as error:
            checks.check(f'{path.name} is well-formed', False, str(error))
            continue
        identities = [element.get('id') for element in tree.iter() if element.get('id')]
        checks.check(f'{path.name} is well-formed, and has no identifier twice',
                     len(identities) == len(set(identities)), sorted(identities))
        places |= {path.name} | {f'{path.name}#{identity}' for identity in identities}
        for element in tree.iter():
            target = element.get('href')
            if target and not target.startswith('https://www.rfc-editor.org/'):
                links.append((path.name, path.name + target if target.startswith('#') else target))
    places |= {path.name for path in directory.glob('*.css')}
    broken = [f'{source}: {target}' for source, target in links if target not in places]
    checks.check('each link leads somewhere', links and not broken, broken)


def make_again(checks, directory, command, again):
    """Made once more, with sets in another order, the manual is what the build has made."""
    checks.run('it can be made again', [*command, '--output', str(again)],
               env=dict(os.environ, PYTHONHASHSEED='1'))
    wrong = [path.name for path in again.iterdir() if not (directory / path.name).exists() or
             path.read_bytes() != (directory / path.name).read_bytes()]
    checks.check('it comes out the same', list(again.iterdir()) and not wrong, wrong)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--sources', required=True, type=pathlib.Path)
    parser.add_argument('--pages', required=True, type=pathlib.Path, help='where the manual is')
    parser.add_argument('--mandoc', help='no mandoc: leave what it says out')
    parser.add_argument('library', nargs='+')
    parser.add_argument('--generate', nargs=argparse.REMAINDER, required=True)
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as name, tap.Checks() as checks:
        # Not in the build directory, where there may be pages of what has been there before.
        directory = pathlib.Path(name)
        make_again(checks, arguments.pages, arguments.generate, directory)
        pages, aliases = read_pages(directory)
        check_names(checks, pages, aliases, public_functions(arguments.sources, arguments.library))
        check_texts(checks, pages, arguments.sources)
        if arguments.mandoc:
            for path in sorted(path for path in directory.glob('*.[37]') if path.stem in pages):
                output = tap.run([arguments.mandoc, '-T', 'lint', '-W', 'warning',
                                  str(path)]).stdout
                checks.check(f'mandoc has nothing to say of {path.name}', not output, output)
        check_words(checks, directory,
                    [header for library in arguments.library for header in sorted(
                        (arguments.sources / library / 'include' / 'fend').glob('*.h*'))])
        check_web(checks, directory)


main()
