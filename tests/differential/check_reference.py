#!/usr/bin/env python3.13
"""Compares reference.py with what it claims to be: the asyncio of a Python 3.13 or later.

    python3.13 tests/differential/check_reference.py [SEEDS]

Why it is here: reference.py brings 3.13's behaviour to 3.11; somebody must check the translator.
Under 3.13 itself, generated programs have to give the same traces over the unchanged asyncio and
over reference.py. Not a part of the build: few machines have two Pythons.
"""

import asyncio
import sys
import types
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

import generate  # noqa: E402
import language  # noqa: E402
import reference  # noqa: E402
from interpret import run_program  # noqa: E402
from traces import side_by_side  # noqa: E402

NAMES = ("Task", "Lock", "Event", "Semaphore", "Barrier", "Condition", "Queue", "LifoQueue",
         "PriorityQueue", "QueueShutDown", "timeout", "wait_for")


class TaskGroup(asyncio.TaskGroup):
    """The unchanged one, but for the order of its tasks, which a set leaves to chance."""

    def __init__(self):
        super().__init__()
        self._tasks = reference.InOrder()


def main():
    if sys.version_info < (3, 13):
        sys.exit("this needs Python 3.13")
    native = types.SimpleNamespace(**{name: getattr(asyncio, name) for name in NAMES},
                                   TaskGroup=TaskGroup, as_completed=reference.as_completed)
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    differing = 0
    for seed in range(seeds):
        program = generate.make_program(seed)
        expected, actual = run_program(program, native), run_program(program, reference)
        if expected != actual:
            differing += 1
            if differing <= 3:
                print(language.to_text(program))
                print(side_by_side(expected, actual))
    print(f"{seeds} programs, {differing} differ")
    return min(differing, 1)


if __name__ == "__main__":
    sys.exit(main())
