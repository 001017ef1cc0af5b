"""Every stage program of one part, as a case of TAP: STAGES_PART says which, STAGES_PROGRAMS where
they were built. What is compared, and how, is told by docs/examples/check.py.
"""

import os
import unittest

import check
import tap

PROGRAMS = os.environ["STAGES_PROGRAMS"]


class Stages(unittest.TestCase):
    """Its cases are made from what the part's folder holds."""


def make_case(look):
    def case(self):
        wrong = look(PROGRAMS)
        self.assertFalse(wrong, "\n" + wrong)
    return case


for number, (name, look) in enumerate(check.cases(os.environ["STAGES_PART"]), 1):
    # unittest sorts by name; the number keeps the order of the series.
    setattr(Stages, f"test_{number:03} {name}", make_case(look))

if __name__ == "__main__":
    tap.main()
