# SPDX-License-Identifier: MIT
"""What the packaging checks share: results in the Test Anything Protocol, and running commands."""
import subprocess
import sys


class Checks:
    """Counts checks and prints one line of TAP for each; use as a context, which prints the plan."""

    def __init__(self):
        self.count = 0

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        if kind is None:
            print(f'1..{self.count}')

    def check(self, name, passed, *why):
        """One check; why (texts, or lists of them) goes to standard error if it failed."""
        self.count += 1
        print(f'{"ok" if passed else "not ok"} {self.count} {name}', flush=True)
        if not passed:
            lines = [line for text in why
                     for line in (text.splitlines() if isinstance(text, str) else text)]
            print(f'{name}:', *lines, sep='\n  ', file=sys.stderr, flush=True)
        return passed

    def run(self, name, command, **options):
        """One check: that command ends with status 0. Returns what it printed, or None."""
        result = run(command, **options)
        why = ['$ ' + ' '.join(command), f'status {result.returncode}', result.stdout]
        return result.stdout if self.check(name, result.returncode == 0, *why) else None


def run(command, **options):
    """Output and errors of command in one text."""
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False, **options)
