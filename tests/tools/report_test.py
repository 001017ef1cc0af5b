"""Tests tools/report.py on the files that meson writes: whatever went wrong must be counted.

The files are made here, after the example of what meson 1.0 leaves; a run that dies is the case
that matters, because then the files disagree.
"""

import contextlib
import io
import json
import tempfile
import unittest
from pathlib import Path

import report
import tap

OUTPUT = """[ RUN      ] queue.first
[       OK ] queue.first (0 ms)
[ RUN      ] queue.second
why it failed
[  FAILED  ] queue.second (0 ms)
"""


def gtest_suite(test, cases):
    """`cases` maps a name to what is inside its element."""
    inside = "".join(f'<testcase name="{name}" status="run" classname="queue">{content}</testcase>'
                     for name, content in cases.items())
    return f'<testsuite name="mayhem.mayhem:once / {test}.queue">{inside}</testsuite>'


class ReportTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.build = Path(folder.name)
        (self.build / "meson-logs").mkdir()

    def write(self, runs, suites):
        """`runs` holds (test, result, exit status, output)."""
        lines = [json.dumps({"name": f"mayhem:once / {name}", "result": result,
                             "returncode": status, "stdout": output, "duration": 1.0})
                 for name, result, status, output in runs]
        (self.build / "meson-logs" / "testlog.json").write_text("\n".join(lines))
        (self.build / "meson-logs" / "testlog.junit.xml").write_text(
            f"<testsuites>{''.join(suites)}</testsuites>")

    def report(self, *arguments):
        """The exit status and the printed lines."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            status = report.report(arguments or [f"gcc={self.build}"])
        return status, out.getvalue().splitlines()

    def test_cases_are_counted_not_programs(self):
        self.write([("tasks", "OK", 0, "")],
                   [gtest_suite("tasks", {"first": "", "second": "", "third": "<skipped/>"})])
        status, lines = self.report()
        self.assertEqual(status, 0)
        self.assertEqual(lines[-1], "2 passed, 0 failed")

    def test_a_failing_case_is_counted_and_its_output_shown(self):
        self.write([("tasks", "FAIL", 1, OUTPUT)],
                   [gtest_suite("tasks", {"first": "", "second": "<failure/>"})])
        status, lines = self.report()
        self.assertEqual(status, 1)
        self.assertEqual(lines[-1], "1 passed, 1 failed")
        self.assertIn("why it failed", lines)
        self.assertNotIn("[       OK ] queue.first (0 ms)", lines)

    def test_a_program_that_died_without_a_record_is_a_failure(self):
        self.write([("tasks", "FAIL", -6, OUTPUT)], [])
        status, lines = self.report()
        self.assertEqual(status, 1)
        self.assertEqual(lines[-1], "0 passed, 1 failed")
        self.assertIn("--- FAILED [gcc] tasks: killed by SIGABRT", lines)

    def test_a_program_that_died_after_all_its_cases_passed_is_a_failure(self):
        self.write([("tasks", "FAIL", -11, "")],
                   [gtest_suite("tasks", {"first": "", "second": ""})])
        self.assertEqual(self.report()[1][-1], "2 passed, 1 failed")

    def test_a_timeout_that_the_summary_calls_a_pass_is_a_failure(self):
        self.write([("demo", "TIMEOUT", -15, "")],
                   ['<testsuite name="mayhem"><testcase name="mayhem:once / demo"/></testsuite>'])
        self.assertEqual(self.report()[1][-1], "0 passed, 1 failed")

    def test_tap_cases_are_counted(self):
        self.write([("tidy", "FAIL", 0, "ok 1 - a\nnot ok 2 - b\n# why\nok 3 - c\n")],
                   ['<testsuite name="mayhem.mayhem:once / tidy"><testcase name="1 - a"/>'
                    '<testcase name="2 - b"><failure/></testcase><testcase name="3 - c"/>'
                    '</testsuite>'])
        lines = self.report()[1]
        self.assertEqual(lines[-1], "2 passed, 1 failed")
        self.assertIn("# why", lines)
        self.assertNotIn("ok 3 - c", lines)

    def test_nothing_ran_is_a_failure(self):
        self.write([], [])
        status, lines = self.report()
        self.assertEqual(status, 1)
        self.assertEqual(lines[-1], "0 passed, 1 failed")

    def test_a_build_that_failed_is_a_failure(self):
        self.assertEqual(self.report("clang=")[0], 1)

    def test_configurations_are_summed(self):
        self.write([("tasks", "OK", 0, "")], [gtest_suite("tasks", {"first": "", "second": ""})])
        status, lines = self.report(f"gcc={self.build}", f"clang={self.build}", "tsan=")
        self.assertEqual(status, 1)
        self.assertEqual(lines[-1], "4 passed, 1 failed")


if __name__ == "__main__":
    tap.main()
