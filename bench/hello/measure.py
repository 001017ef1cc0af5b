"""Measures the smallest programs from outside: how long one takes to start and end, how large it is
without symbols, and how long its source takes to compile.

usage: measure.py PROGRAM... --benchmark_filter=CASE (and further options, which it ignores)

It prints Google Benchmark's JSON. Libraries that are linked dynamically are not part of the size;
Mayhem's is linked statically, and only what is used of it comes along.
"""

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

STARTS = 40


def start(command):
    """Nanoseconds from starting the program to its end: the median of many."""
    times = []
    for _ in range(STARTS):
        begin = time.perf_counter_ns()
        process = os.posix_spawn(command[0], command, os.environ)
        _, status = os.waitpid(process, 0)
        times.append(time.perf_counter_ns() - begin)
        if status != 0:
            sys.exit(f"{command[0]} ended with status {status}")
    return {"real_time": sorted(times)[STARTS // 2]}


def size(command):
    """Kilobytes of the program without its symbols."""
    if command[0].endswith(("python", "python3")):
        return None
    with tempfile.NamedTemporaryFile() as stripped:
        subprocess.run(["strip", "-o", stripped.name, command[0]], check=True)
        return {"real_time": 0, "kilobytes": os.stat(stripped.name).st_size / 1000}


def compile_command(program):
    """How the build compiled its source, as (folder, words), without a compiler cache."""
    build = Path(os.environ["BENCH_BUILD"])
    name = Path(program).name
    for entry in json.loads((build / "compile_commands.json").read_text(encoding="utf-8")):
        if f"/{name}.p/" in entry["output"]:
            words = shlex.split(entry["command"])
            return entry["directory"], words[1:] if words[0].endswith("ccache") else words
    sys.exit(f"{name} is not in compile_commands.json")


def compilation(command):
    """Seconds of the compiler, linking not included."""
    if command[0].endswith(("python", "python3")):
        return None
    folder, words = compile_command(command[0])
    with tempfile.NamedTemporaryFile(suffix=".o") as output:
        words[words.index("-o") + 1] = output.name
        # The file of dependencies would be written into the build directory.
        words = [word for word in words if word not in ("-MD",)]
        for option in ("-MQ", "-MF"):
            at = words.index(option)
            del words[at:at + 2]
        begin = time.perf_counter_ns()
        subprocess.run(words, cwd=folder, check=True)
        return {"real_time": time.perf_counter_ns() - begin}


CASES = {"start": start, "size": size, "compile": compilation}


def main():
    command = [word for word in sys.argv[1:] if not word.startswith("--benchmark_")]
    wanted = next((word.split("=", 1)[1] for word in sys.argv if "_filter=" in word), ".")
    entries = []
    for name, measure in CASES.items():
        found = measure(command) if re.search(wanted, name) else None
        if found is not None:
            entries.append({"name": name, "time_unit": "ns", **found})
    print(json.dumps({"benchmarks": entries}))


if __name__ == "__main__":
    main()
