"""A thousand generated programs over asyncio and over Mayhem on every backend, for every build.

Why it is here: the fixed seeds are the same everywhere, so a change that breaks one is seen at
once. More seeds, and failures made small: `run`, which this calls.

Usage: BACKENDS="uring epoll sim" INTERPRETER=.../interpreter generated_test.py
"""

import os
import subprocess
import sys
import unittest
from pathlib import Path

import tap

RUN = Path(__file__).resolve().parent / "run"
SEEDS = 1000


@unittest.skipIf(sys.version_info[:2] != (3, 11), "reference.py describes Python 3.11")
class Generated(unittest.TestCase):

    def test_a_thousand_seeds_give_equal_traces(self):
        backends = [word for name in os.environ["BACKENDS"].split() for word in ("--backend", name)]
        done = subprocess.run(
            [sys.executable, RUN, "--seeds", str(SEEDS), "--jobs", "1", "--every", *backends,
             "--interpreter", os.environ["INTERPRETER"]],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for line in done.stdout.splitlines():
            print("#", line)
        self.assertEqual(done.returncode, 0)


if __name__ == "__main__":
    tap.main()
