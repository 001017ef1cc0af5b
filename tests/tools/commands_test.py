"""Tests tools/demo and tools/test as commands, with the programs that they call replaced.

What they do when all is well is seen every day. This is about the rest: a package that cannot be
had, a build that fails, arguments and standard input that must get through.
"""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import tap

TOOLS = Path(__file__).resolve().parent.parent.parent / "tools"

# Stand-ins for programs: what they are called, and what they do. The build directory that meson
# makes is the last argument but one, and ninja's comes after -C.
INSTALLED = 'printf installed'
NOT_INSTALLED = 'echo "no packages found" >&2; exit 1'
STANDINS = {
    "dpkg-query": INSTALLED,
    "apt-get": 'echo "apt-get $*" >>"$CALLS"; exit 100',
    "sudo": '[ "$1" = --non-interactive ] && shift; exec "$@"',
    "meson": 'case $1 in setup) for last; do before=$directory directory=$last; done;'
             ' mkdir -p "$before/meson-private"; touch "$before/meson-private/coredata.dat";; esac',
    "ninja": 'mkdir -p "$2/mandrill"; printf \'#!/bin/sh\\necho "got $*"; cat; exit 7\\n\''
             ' >"$2/mandrill/mandrill"; chmod +x "$2/mandrill/mandrill"',
}


class CommandsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="commands test ")
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name) / "tree"
        shutil.copytree(TOOLS, self.root / "tools", ignore=shutil.ignore_patterns("__pycache__"))
        self.programs = Path(folder.name) / "bin"
        self.programs.mkdir()
        self.calls = Path(folder.name) / "calls"
        self.calls.touch()
        for name, text in STANDINS.items():
            self.replace(name, text)

    def replace(self, name, text):
        program = self.programs / name
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(0o755)

    def call(self, command, *arguments, given=""):
        """Runs tools/COMMAND: (exit status, standard output, standard error)."""
        environment = os.environ | {"PATH": f"{self.programs}:{os.environ['PATH']}",
                                    "CALLS": str(self.calls)}
        done = subprocess.run([self.root / "tools" / command, *arguments], input=given, text=True,
                              capture_output=True, env=environment, check=False, cwd="/")
        return done.returncode, done.stdout, done.stderr

    def test_help_explains_every_option(self):
        status, out, _ = self.call("test", "--help")
        self.assertEqual(status, 0)
        for option in ("--quick", "--all", "--jobs", "NAME"):
            self.assertIn(option, out)

    def test_an_unknown_option_is_refused_by_name(self):
        status, out, _ = self.call("test", "--al")
        self.assertEqual(status, 1)
        self.assertIn("--al;", out)

    def test_a_package_that_cannot_be_installed_is_named(self):
        self.replace("dpkg-query", NOT_INSTALLED)
        status, _, err = self.call("demo")
        self.assertEqual(status, 1)
        self.assertRegex(err.splitlines()[-1], r"apt-get install .*liburing-dev.*libsqlite3-dev")
        self.assertNotIn("libgtest-dev", err, "the demo needs no tests")
        status, out, _ = self.call("test")
        self.assertEqual(status, 1)
        self.assertIn("libgtest-dev", out)
        self.assertNotIn("clang-19 ", out, "only the matrix needs the second compiler")
        self.assertIn("install -y", self.calls.read_text())

    def test_nothing_is_installed_when_nothing_is_missing(self):
        self.call("demo")
        self.assertEqual(self.calls.read_text(), "")

    def test_the_demo_gets_arguments_and_input_and_gives_its_exit_status(self):
        status, out, _ = self.call("demo", "--for", "10 s", given="{}\n")
        self.assertEqual((status, out), (7, "got demo --for 10 s\n{}\n"))

    def test_a_configuration_that_fails_shows_why(self):
        self.replace("meson", "echo 'fmt is missing'; exit 1")
        status, _, err = self.call("demo")
        self.assertEqual(status, 1)
        self.assertIn("fmt is missing", err)

    def test_a_build_that_fails_is_counted_as_failed(self):
        self.replace("ninja", "echo 'a.cpp:1: error: no'; exit 1")
        status, out, _ = self.call("test")
        self.assertEqual(status, 1)
        self.assertIn("a.cpp:1: error: no", out)
        self.assertEqual(out.splitlines()[-1], "0 passed, 1 failed")

    def test_no_results_at_all_are_counted_as_failed(self):
        status, out, _ = self.call("test")
        self.assertEqual(status, 1)
        self.assertEqual(out.splitlines()[-1], "0 passed, 1 failed")

    def test_the_matrix_goes_on_after_a_build_that_failed(self):
        self.replace("ninja", "exit 1")
        self.assertEqual(self.call("test", "--all")[1].splitlines()[-1], "0 passed, 5 failed")


if __name__ == "__main__":
    tap.main()
