"""Counts what an operation costs that no noise can touch: instructions and system calls.

Each is the difference between two runs that differ only in their number of iterations, so that
starting the program and the loop drops out. Valgrind counts instructions (a virtual machine rarely
lends its counters to perf), strace counts system calls. Who lacks a tool gets a report without.
"""

import re
import tempfile

import machine
import programs

OPERATIONS_AIM = 10_000  # enough for the first iterations, which fill caches, not to matter


def available():
    """What can be counted here, and what is missing: (names, packages)."""
    tools = {"instructions": "valgrind", "system calls": "strace"}
    have = [name for name, tool in tools.items() if machine.tool(tool)]
    return have, [tool for name, tool in tools.items() if name not in have]


def instructions(words, workload, env):
    tool = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    _, said = programs.call(tool + words, workload, env)
    found = re.search(r"Collected : (\d+)", said)
    if not found:
        raise programs.Failed("valgrind counted nothing")
    return int(found[1])


def system_calls(words, workload, env):
    with tempfile.NamedTemporaryFile("r", suffix=".strace") as log:
        programs.call(["strace", "-f", "-c", "-o", log.name, *words], workload, env)
        found = re.search(r"^100\.00\s.*?(\d+)(?:\s+\d+)?\s+total$", log.read(), re.MULTILINE)
    if not found:
        raise programs.Failed("strace counted nothing")
    return int(found[1])


def operations_per_iteration(samples, key):
    for sample in samples:
        if (sample["workload"], sample["benchmark"], sample["size"],
                sample["competitor"]) == key:
            return sample["counters"].get("operations", 1)
    return None


def count(build, workload, case, size, competitor, operations):
    """{"instructions": per operation, "system calls": per operation}, what can be had of it."""
    words = programs.command(build, workload, competitor) + programs.arguments(case.benchmark, 0)
    few = max(2, int(OPERATIONS_AIM / operations))
    counters = {"instructions": instructions, "system calls": system_calls}
    found = {}
    for name in available()[0]:
        try:
            totals = [counters[name](words, workload,
                                     programs.environment(competitor, (size,) if size else (),
                                                          iterations))
                      for iterations in (few, 2 * few)]
        except programs.Failed:
            continue  # valgrind does not know every system call; the report shows a gap
        found[name] = max(0.0, (totals[1] - totals[0]) / (few * operations))
    return found
