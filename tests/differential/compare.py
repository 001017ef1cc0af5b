"""Runs programs on both sides and says which traces differ.

Why it is here: what `run`, the shrinker and the tests have in common. The C++ interpreter gets many
programs in one file and is one process for all of them; should it die or hang, the program that
it had announced last is to blame, and a new process goes on after that one.
"""

import os
import subprocess
import tempfile
from collections import Counter

import intended
from interpret import run_program
from language import to_text

HANG_SECONDS = 60


class Difference:
    """A program whose traces differ, and no rule explains why."""

    def __init__(self, command, program, expected, actual):
        self.command = command
        self.program = program
        self.expected = expected
        self.actual = actual


def run_cpp(command, programs):
    """The traces of the C++ interpreter. `command` is its path and the backend."""
    traces = []
    while len(traces) < len(programs):
        rest = programs[len(traces):]
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.writelines(to_text(program) for program in rest)
            file.flush()
            found, end = _run_file([*command, file.name])
        traces += found
        if end:
            traces[-1].append(end)
        elif len(found) != len(rest):
            raise RuntimeError(f"{command} gave {len(found)} traces for {len(rest)} programs")
    return traces


def _run_file(command):
    """The traces, the last one perhaps incomplete; and what went wrong, or nothing."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, stdout=out, stderr=errors)
        end = _wait_while_it_advances(process, out)
        texts = []
        for file in (out, errors):
            file.seek(0)
            texts.append(file.read().decode())
    if process.returncode and not end:
        end = f"dies with {process.returncode}: " + " / ".join(texts[1].split("\n")[-8:])
    traces = []
    for line in texts[0].splitlines():
        if line.startswith("program "):
            traces.append([])
        else:
            traces[-1].append(line)
    if not traces:
        raise RuntimeError(f"{command} did not run any program: {end}")
    return traces, end


def _wait_while_it_advances(process, out):
    """A process hangs when it prints nothing for a while, however long it takes in all."""
    printed = -1
    while True:
        try:
            process.wait(HANG_SECONDS)
            return ""
        except subprocess.TimeoutExpired:
            size = os.fstat(out.fileno()).st_size
            if size == printed:
                process.kill()
                process.wait()
                return f"hangs for {HANG_SECONDS} seconds"
            printed = size


def explain(program, actual):
    """The name of the rule of intended.py that explains this trace; "equal" when it is asyncio's
    own; None when nothing explains it. A second value is the trace that was expected."""
    plain = run_program(program, intended.kit(()))
    if plain == actual:
        return "equal", plain
    for rules in intended.combinations():
        if run_program(program, intended.kit(rules)) == actual:
            return "+".join(rules), plain
    return None, run_program(program, intended.kit(intended.ALL))


def compare(commands, programs):
    """Runs all programs with each command (there is one for each backend). @returns a Counter of
    explanations, and the Differences."""
    found, differences = Counter(), []
    traces = [run_cpp(command, programs) for command in commands]
    for program, of_commands in zip(programs, zip(*traces)):
        explained = {}  # asyncio is slow: traces that are equal share one run
        for command, actual in zip(commands, of_commands):
            name, expected = explained.get(tuple(actual)) or explain(program, actual)
            explained[tuple(actual)] = name, expected
            if name is None:
                differences.append(Difference(command, program, expected, actual))
            else:
                found[name] += 1
    return found, differences
