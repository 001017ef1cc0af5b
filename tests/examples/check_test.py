"""The checker of the stage programs must be able to fail: it is shown wrong transcripts."""

import tempfile
import unittest
from pathlib import Path

import check
import tap


def session_of(text):
    """A session as it would be read from a file."""
    with tempfile.TemporaryDirectory() as folder:
        here, check.HERE = check.HERE, Path(folder)
        try:
            (check.HERE / "stage.txt").write_text(text)
            return check.read_sessions("stage", ".txt")[0]
        finally:
            check.HERE = here


class Exact(unittest.TestCase):
    session = session_of("$ stage\none\n\nthree\n[exit 0]\n")

    def test_the_same_is_no_difference(self):
        self.assertEqual(check.exact_difference(self.session, self.session.expected), "")

    def test_blank_lines_inside_a_session_count(self):
        self.assertEqual(self.session.expected, ["one", "", "three", "[exit 0]"])

    def test_a_missing_line_is_a_difference(self):
        self.assertIn("-three", check.exact_difference(self.session, ["one", "[exit 0]"]))

    def test_another_end_is_a_difference(self):
        printed = [*self.session.expected[:-1], "[killed by SIGKILL]"]
        self.assertIn("+[killed by SIGKILL]", check.exact_difference(self.session, printed))


class Rules(unittest.TestCase):
    session = session_of("$ stage\n+ one\n- four\n+ t.o\n[exit 0]\n")

    def test_what_obeys_is_no_difference(self):
        self.assertEqual(check.rule_difference(self.session, ["one", "x", "two", "[exit 0]"]), "")

    def test_the_wrong_order_is_a_difference(self):
        self.assertIn("missing, or too early: t.o",
                      check.rule_difference(self.session, ["two", "one", "[exit 0]"]))

    def test_a_signal_that_was_not_sent_is_a_difference(self):
        session = session_of("$ stage\n+ one\n! INT\n[exit 0]\n")
        self.assertIn("missing, or too early: INT",
                      check.rule_difference(session, ["one", "[exit 0]"]))

    def test_what_must_not_be_there_is_a_difference(self):
        self.assertIn("must not be there: four",
                      check.rule_difference(self.session, ["four", "one", "two", "[exit 0]"]))

    def test_another_end_is_a_difference(self):
        self.assertIn("ended with [hangs]",
                      check.rule_difference(self.session, ["one", "two", "[hangs]"]))


class Running(unittest.TestCase):
    def run_program(self, body, expected="[exit 0]"):
        with tempfile.TemporaryDirectory() as folder:
            program = Path(folder) / "stage"
            program.write_text("#!/bin/sh\n" + body)
            program.chmod(0o755)
            return session_of(f"$ GREETING=hello stage\n{expected}\n").run(folder)

    def test_both_streams_and_the_status_are_recorded(self):
        self.assertEqual(self.run_program("echo out; echo err >&2; exit 3"),
                         ["out", "err", "[exit 3]"])

    def test_a_signal_is_recorded_and_interrupts_are_not_ignored(self):
        self.assertEqual(self.run_program("kill -INT $$; echo on"), ["[killed by SIGINT]"])

    def test_the_environment_of_the_command_is_set(self):
        self.assertEqual(self.run_program("echo $GREETING"), ["hello", "[exit 0]"])

    def test_paths_begin_at_the_root_of_the_sources(self):
        self.assertEqual(self.run_program("echo at ../../docs/examples/part-1/mayhem_1.cpp:7"),
                         ["at docs/examples/part-1/mayhem_1.cpp:7", "[exit 0]"])

    def test_the_backend_is_not_named(self):
        self.assertEqual(self.run_program("echo Using selector: io_uring"),
                         ["Using selector: BACKEND", "[exit 0]"])

    def test_a_program_that_neither_ends_nor_speaks_hangs(self):
        patience, check.SILENCE_S = check.SILENCE_S, 0.05
        self.addCleanup(setattr, check, "SILENCE_S", patience)
        self.assertEqual(self.run_program("exec cat /dev/zero >/dev/null", "[hangs]"), ["[hangs]"])


WAITS = """trap 'echo told; exit 0' TERM
echo ready
while :; do sleep 0.01; done
"""


class Led(unittest.TestCase):
    """Sessions of rules, which are fulfilled one by one while the program runs."""

    def lead(self, body, rules):
        with tempfile.TemporaryDirectory() as folder:
            program = Path(folder) / "stage"
            program.write_text("#!/bin/sh\n" + body)
            program.chmod(0o755)
            session = session_of("$ stage\n" + rules)
            printed = check.RuledRun(session, folder).lead()
            return printed, check.rule_difference(session, printed)

    def test_a_signal_is_sent_when_the_rules_before_it_are_fulfilled(self):
        printed, wrong = self.lead(WAITS, "+ ready\n! TERM\n+ told\n[exit 0]\n")
        self.assertEqual(printed, ["ready", "[sent TERM]", "told", "[exit 0]"])
        self.assertEqual(wrong, "")

    def test_what_must_not_be_there_may_be_there_after_the_signal(self):
        self.assertEqual(self.lead(WAITS, "+ ready\n- told\n! TERM\n[exit 0]\n")[1], "")
        self.assertIn("must not be there: told",
                      self.lead(WAITS, "+ ready\n! TERM\n- told\n[exit 0]\n")[1])

    def test_a_program_that_ends_before_its_signal_is_a_difference(self):
        self.assertIn("missing, or too early: ready",
                      self.lead("echo other", "+ ready\n! TERM\n[exit 0]\n")[1])

    def test_threads_are_counted_by_name(self):
        self.assertEqual(self.lead(WAITS, "+ ready\n= 1 stage\n! TERM\n[exit 0]\n")[1], "")
        patience, check.PATIENCE_S = check.PATIENCE_S, 0.1
        self.addCleanup(setattr, check, "PATIENCE_S", patience)
        self.assertIn("missing, or too early: 2 stage",
                      self.lead(WAITS, "+ ready\n= 2 stage\n! TERM\n[exit 0]\n")[1])

    def test_a_program_that_goes_on_hangs(self):
        patience, check.SILENCE_S = check.SILENCE_S, 0.05
        self.addCleanup(setattr, check, "SILENCE_S", patience)
        self.assertEqual(self.lead(WAITS, "+ ready\n[hangs]\n"), (["ready", "[hangs]"], ""))


class Length(unittest.TestCase):
    def test_a_program_that_is_too_long_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            here, check.HERE = check.HERE, Path(folder)
            self.addCleanup(setattr, check, "HERE", here)
            (check.HERE / "stage.cpp").write_text("line\n\n" * 14)
            self.assertEqual(check.check_length("stage", 10), "")
            self.assertIn("14 lines, more than 1.4 times", check.check_length("stage", 9))
            (check.HERE / "stage.hpp").write_text("line\n")
            self.assertIn("15 lines, more than 1.4 times", check.check_length("stage", 10))


if __name__ == "__main__":
    tap.main()
