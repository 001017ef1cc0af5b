"""Every program of programs/, over asyncio and over Mayhem: the traces must be equal.

Usage: BACKEND=uring PAIRS=.../pairs pairs_test.py
"""

import importlib
import os
import subprocess
import sys
import unittest
from pathlib import Path

import intended
import pair
import tap
from traces import side_by_side

PROGRAMS = Path(__file__).resolve().parent / "programs"
NAMES = sorted(path.stem for path in PROGRAMS.glob("*.py") if path.stem != "pair")


def cpp_traces():
    """The traces of all C++ programs, by name."""
    done = subprocess.run([os.environ["PAIRS"], os.environ["BACKEND"]], stdout=subprocess.PIPE,
                          text=True, timeout=60, check=True)
    traces = {}
    for line in done.stdout.splitlines():
        if line.startswith("program "):
            current = traces[line.split()[1]] = []
        else:
            current.append(line)
    return traces


@unittest.skipIf(sys.version_info[:2] != (3, 11), "reference.py describes Python 3.11")
class Pairs(unittest.TestCase):
    """One case per program; `add_cases` makes them."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.actual = cpp_traces()

    def test_every_program_has_its_twin(self):
        self.assertEqual(NAMES, sorted(self.actual))

    def check(self, name):
        program = importlib.import_module(name)
        expected, actual = pair.run(program), self.actual[name]
        if expected != actual:
            self.fail(f"{name}.py and its twin differ:\n{side_by_side(expected, actual)}")

    def check_rule(self, name):
        """What shows an intended difference must differ without the rule."""
        program = importlib.import_module(name)
        self.assertTrue(set(program.RULES) <= set(intended.ALL))
        self.assertNotEqual(pair.run(program, rules=()), self.actual[name])


def add_cases():
    for name in NAMES:
        setattr(Pairs, f"test_{name}", lambda self, name=name: self.check(name))
        if hasattr(importlib.import_module(name), "RULES"):
            setattr(Pairs, f"test_{name}_differs_without_its_rule",
                    lambda self, name=name: self.check_rule(name))


add_cases()

if __name__ == "__main__":
    # tap runs cases, and so this does for the class.
    Pairs.setUpClass()
    tap.main()
