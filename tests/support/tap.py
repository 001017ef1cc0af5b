"""Runs a module of unittest cases and prints TAP, so that meson counts each case.

Usage, at the end of a test module: `if __name__ == "__main__": tap.main()`.
"""

import sys
import unittest


class TapResult(unittest.TestResult):
    """Prints one line per case; a failure's traceback follows as comments."""

    number = 0

    def _line(self, verdict, test, note=""):
        self.number += 1
        name = test.id().split(".", 1)[-1]
        print(f"{verdict} {self.number} - {name}{note}", flush=True)

    def _failure(self, test, error):
        self._line("not ok", test)
        for line in self._exc_info_to_string(error, test).splitlines():
            print("# " + line)

    def addSuccess(self, test):
        self._line("ok", test)

    def addFailure(self, test, err):
        self._failure(test, err)

    def addError(self, test, err):
        self._failure(test, err)

    def addSkip(self, test, reason):
        self._line("ok", test, f" # SKIP {reason}")


def main():
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])
    print(f"1..{suite.countTestCases()}", flush=True)
    suite.run(TapResult())
