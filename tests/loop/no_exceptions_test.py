"""Compiles the library's headers with -fno-exceptions: refused, with a message that says why.

Why it is here: without the refusal the first error would be about some `throw` deep inside.

Environment: COMPILER, how to call it; SOURCE_ROOT, where the headers are.
"""

import os
import shlex
import subprocess
import unittest

import tap

REFUSAL = "Mayhem is not supported with -fno-exceptions: errors and cancellation are exceptions"


def errors_of(header, *flags):
    """What the compiler calls errors, in order."""
    command = [*shlex.split(os.environ["COMPILER"]), "--std=c++23", "-fsyntax-only",
               "-fdiagnostics-color=never", "-I", os.environ["SOURCE_ROOT"], *flags,
               "-x", "c++", "-"]
    done = subprocess.run(command, input=f'#include "{header}"\n', capture_output=True, text=True,
                          check=False)
    return [line for line in done.stderr.splitlines() if "error:" in line]


class NoExceptionsTest(unittest.TestCase):
    def test_whoever_includes_the_tasks_is_told_first(self):
        self.assertIn(REFUSAL, errors_of("tasks/mayhem.hpp", "-fno-exceptions")[0])

    def test_whoever_includes_the_loop_is_told_first(self):
        self.assertIn(REFUSAL, errors_of("loop/event_loop.hpp", "-fno-exceptions")[0])

    def test_with_exceptions_there_is_nothing_to_say(self):
        self.assertEqual(errors_of("loop/event_loop.hpp"), [])


if __name__ == "__main__":
    tap.main()
