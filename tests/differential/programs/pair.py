"""What the Python programs of this folder are run by: `event`, and a loop with a virtual clock.

Why it is here: the programs read as plain asyncio. For the time of a run, the names in asyncio that
3.12 or 3.13 changed stand for what ../reference.py defines; a program that sets RULES shows an
intended difference, and runs under those rules of ../intended.py.
"""

import asyncio
import sys
from unittest import mock

import intended
from virtual_loop import Deadlock, VirtualLoop

CHANGED = ("wait_for", "timeout", "TaskGroup", "Lock", "Condition", "Barrier", "Semaphore", "Queue",
           "LifoQueue", "PriorityQueue", "as_completed")
trace = []

sys.unraisablehook = lambda what: None  # what is left at the end of a program is nobody's concern


def event(text):
    trace.append(f"{asyncio.get_running_loop().time():g} {text}")


def run(program, rules=None):
    """The trace of a program (a module). `rules` replaces the program's own."""
    kit = intended.kit(getattr(program, "RULES", ()) if rules is None else rules)
    trace.clear()
    loop = VirtualLoop(kit.Task)
    loop.set_exception_handler(lambda loop, context: None)
    with mock.patch.multiple(asyncio, **{name: getattr(kit, name) for name in CHANGED}):
        try:
            loop.run_until_complete(program.main())
            trace.append("finished")
        except Deadlock:
            trace.append("deadlock")
    result = list(trace)
    loop.close()
    return result
