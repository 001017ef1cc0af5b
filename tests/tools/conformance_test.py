"""Tests tools/conformance.py with a test program that is a script: what is not proved must be told.

The script answers as GoogleTest does, for cases and outcomes that each test chooses.
"""

import contextlib
import io
import os
import tempfile
import unittest
from pathlib import Path

import conformance
import tap

PROGRAM = '''#!/usr/bin/env python3
import os, sys
CASES = {cases!r}  # suite, case, outcome, backends that the case records
if sys.argv[1] == "--gtest_list_tests":
    for suite, case, _, _ in CASES:
        print(suite + ".\\n  " + case)
    sys.exit()
xml = "<testsuites>"
for suite, case, outcome, backends in CASES:
    inside = dict(passed="", failed="<failure/>", skipped="<skipped/>",
                  real_only='<skipped message="the real kernel only: x"/>')[outcome]
    if backends:
        inside += '<properties><property name="backends" value="' + backends + '"/></properties>'
    xml += f'<testcase classname="{{suite}}" name="{{case}}" status="run">{{inside}}</testcase>'
open(sys.argv[1].partition("xml:")[2], "w").write(xml + "</testsuites>")
'''

RULE = """
introduction = "What is promised."
[[section]]
name = "Lifecycle"
[[section.rule]]
rule = "create_task"
asyncio = "starts later"
source = "tasks::x"
"""

EVERYWHERE = [(f"task/{backend}", "starts", "passed", "") for backend in conformance.BACKENDS]


class ConformanceTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        (self.root / "docs").mkdir()

    def check(self, cases, catalogue='tests = ["task.starts"]', write=False):
        """The problems that are found."""
        (self.root / conformance.CATALOGUE).write_text(RULE + catalogue)
        program = self.root / "program"
        program.write_text(PROGRAM.format(cases=cases))
        program.chmod(0o755)
        self.output = io.StringIO()
        with contextlib.redirect_stdout(self.output):
            try:
                return conformance.check(self.root, [str(program)], write)
            except conformance.Problem as problem:
                return [str(problem)]

    def page(self):
        return (self.root / conformance.PAGE).read_text()

    def test_what_is_proved_everywhere_is_written_and_then_up_to_date(self):
        self.assertEqual(self.check(EVERYWHERE, write=True), [])
        self.assertIn("| create_task | starts later | the same | `task.starts` |", self.page())
        self.assertEqual(self.page().count("✓ |"), len(conformance.BACKENDS))
        self.assertEqual(self.check(EVERYWHERE), [])

    def test_a_page_that_says_something_else_is_out_of_date(self):
        self.check(EVERYWHERE, write=True)
        (self.root / conformance.PAGE).write_text(self.page().replace("later", "at once"))
        self.assertIn("out of date", self.check(EVERYWHERE)[0])

    def test_a_test_that_does_not_exist_is_named(self):
        problems = self.check(EVERYWHERE, 'tests = ["task.starts", "task.flies"]', write=True)
        self.assertIn("no test program has task.flies", problems)
        self.assertFalse((self.root / conformance.PAGE).exists())

    def test_a_test_that_fails_is_named_with_its_backend(self):
        cases = [*EVERYWHERE[1:], ("task/uring", "starts", "failed", "")]
        problems = self.check(cases, write=True)
        self.assertIn("task.starts failed (uring)", problems)
        self.assertFalse((self.root / conformance.PAGE).exists())

    def test_a_skipped_test_proves_nothing(self):
        cases = [*EVERYWHERE[1:], ("task/uring", "starts", "skipped", "")]
        self.assertIn("'create_task' is not proved on uring", self.check(cases, write=True))

    def test_a_test_for_real_kernels_alone_says_nothing_of_the_simulated_one(self):
        cases = [*EVERYWHERE, ("other/sim", "flies", "real_only", "")]
        self.assertEqual(self.check(cases, 'tests = ["task.starts", "other.flies"]', True), [])
        self.assertIn("'create_task' is not proved on sim",
                      self.check(cases, 'tests = ["other.flies"]', True))
        cases = [*EVERYWHERE, ("other/epoll", "flies", "real_only", "")]
        self.assertIn("'create_task' is not proved on epoll",
                      self.check(cases, 'tests = ["task.starts", "other.flies"]', True))

    def test_a_rule_without_a_test_on_a_backend_is_named(self):
        cases = [*EVERYWHERE[:1], ("other/epoll", "starts", "passed", "")]
        self.assertIn("'create_task' is not proved on epoll", self.check(cases, write=True))

    def test_tests_that_make_their_own_loops_count_for_the_backends_that_they_record(self):
        cases = [("task", "starts", "passed", " ".join(conformance.BACKENDS)), *EVERYWHERE[:1]]
        self.assertEqual(self.check(cases[:1] + [(f"x/{backend}", "y", "passed", "")
                                                 for backend in conformance.BACKENDS],
                                    write=True), [])

    def test_variants_of_a_backend_all_count(self):
        cases = [*EVERYWHERE, ("all/task", "starts/uring_tiny", "failed", "")]
        self.assertIn("task.starts failed (uring)", self.check(cases, write=True))

    def test_a_backend_that_is_refused_here_is_not_checked_and_that_is_said(self):
        self.check(EVERYWHERE, write=True)
        cases = [case for case in EVERYWHERE if not case[0].endswith("uring")]
        self.assertEqual(self.check(cases), [])
        self.assertIn("uring is refused on this machine", self.output.getvalue())
        self.assertIn("docs/CONFORMANCE.md was not written", self.check(cases, write=True))

    def test_what_differs_needs_a_reason(self):
        problems = self.check(EVERYWHERE, 'tests = ["task.starts"]\nours = "starts at once"')
        self.assertIn("needs its reason", problems[0])

    def test_a_rule_for_some_backends_needs_a_reason(self):
        problems = self.check(EVERYWHERE, 'tests = ["task.starts"]\nbackends = ["uring"]')
        self.assertIn("with a reason", problems[0])

    def test_a_program_that_dies_is_a_problem(self):
        (self.root / conformance.CATALOGUE).write_text(RULE + 'tests = ["task.starts"]')
        with self.assertRaises((conformance.Problem, OSError)):
            conformance.check(self.root, [os.devnull], False)


if __name__ == "__main__":
    tap.main()
