"""Tests tools/breakages.py on a small project of its own, whose program is a script.

Meson is not asked here: the builder is replaced by one that builds nothing.
"""

import tempfile
import textwrap
import unittest
import unittest.mock
from pathlib import Path

import breakages
import tap

ENTRY = """
[[breakage]]
name = "early"
rule = "It waits."
file = "wait.py"
text = "for ever"
becomes = "for a moment"
test = "waiting"
"""

PROGRAM = """
import os, sys, time
text = open({source!r}).read()
if "for ever" in text:
    sys.exit(0)
{end}
"""

ENDS = {
    breakages.PASSES: "sys.exit(0)",
    breakages.FAILS: "print('[  FAILED  ] it'); sys.exit(1)",
    breakages.CRASHES: "os.abort()",
    breakages.HANGS: "time.sleep(60)",
}


class FakeBuilder:
    """Knows one test, which is a script, and builds nothing."""

    def __init__(self, tree, program):
        self.tree = tree
        self.made = []
        self.tests = {"waiting": {"cmd": ["python3", str(program)], "env": {}}}

    def make(self, names):
        self.made += names


class BreakagesTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        (self.root / "tests").mkdir()
        self.source = self.root / "wait.py"
        self.source.write_text("wait for ever")

    def check(self, entries):
        (self.root / breakages.LIST).write_text(entries)
        return breakages.check(self.root, {})

    def judge(self, end, expected=breakages.FAILS):
        """The verdict when the broken program ends like this."""
        program = self.root / "program.py"
        program.write_text(textwrap.dedent(PROGRAM).format(source=str(self.source), end=ENDS[end]))
        entry = dict(breakages.tomllib.loads(ENTRY)["breakage"][0], ends=expected)
        with unittest.mock.patch.object(breakages, "SECONDS_UNTIL_HUNG", 1):
            verdict, _ = breakages.judge(FakeBuilder(self.root, program), entry, None)
        self.assertEqual(self.source.read_text(), "wait for ever", "it was not mended")
        return verdict

    def test_an_entry_that_fits_is_no_problem(self):
        self.assertEqual(self.check(ENTRY), [])

    def test_a_text_that_is_gone_or_there_twice_is_told(self):
        self.source.write_text("wait")
        self.assertIn("0 times", self.check(ENTRY)[0])
        self.source.write_text("for ever and for ever")
        self.assertIn("2 times", self.check(ENTRY)[0])

    def test_a_file_that_is_gone_is_told(self):
        self.source.unlink()
        self.assertEqual(len(self.check(ENTRY)), 1)

    def test_wrong_keys_and_two_of_one_name_are_told(self):
        self.assertIn("keys", self.check(ENTRY.replace("rule =", "role ="))[0])
        self.assertIn("ends", self.check(ENTRY + 'ends = "explodes"')[0])
        self.assertIn("two of that name", self.check(ENTRY + ENTRY)[0])

    def test_what_changes_nothing_is_told(self):
        self.assertIn("nothing", self.check(ENTRY.replace("for a moment", "for ever"))[0])

    def test_a_failing_test_catches_and_a_passing_one_does_not(self):
        self.assertEqual(self.judge(breakages.FAILS), "caught")
        self.assertEqual(self.judge(breakages.PASSES), "NOT CAUGHT")

    def test_a_crash_or_a_hang_counts_only_where_it_is_expected(self):
        self.assertEqual(self.judge(breakages.CRASHES), "NOT CAUGHT")
        self.assertEqual(self.judge(breakages.CRASHES, breakages.CRASHES), "caught")
        self.assertEqual(self.judge(breakages.HANGS, breakages.HANGS), "caught")
        self.assertEqual(self.judge(breakages.FAILS, breakages.CRASHES), "NOT CAUGHT")

    def test_a_copy_follows_its_tree(self):
        breakages.subprocess.run(["git", "init", "-q", self.root], check=True)
        scratch = self.root / "build" / "copy"
        breakages.copy_tree(self.root, scratch)
        before = (scratch / "wait.py").stat().st_mtime_ns
        (self.root / "more.py").write_text("more")
        breakages.copy_tree(self.root, scratch)
        self.assertEqual((scratch / "wait.py").stat().st_mtime_ns, before)
        self.assertEqual((scratch / "more.py").read_text(), "more")
        (self.root / "more.py").unlink()
        breakages.copy_tree(self.root, scratch)
        self.assertFalse((scratch / "more.py").exists())


if __name__ == "__main__":
    tap.main()
