"""Runs one program once and reads what it printed.

All programs speak the same language, whatever they are written in: Google Benchmark's command line
and JSON. A workload with a `script` is measured by that instead (start-up times, servers under
load); it is given the program and answers in the same way.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import machine
from catalogue import BENCH

TIMEOUT_S = 300


class Failed(Exception):
    """A program did not give figures; the text says what it said instead."""


def executable(build, workload, competitor):
    """Where the build puts a program; None for what is not compiled."""
    if competitor.kind == "python":
        return None
    return Path(build) / "bench" / f"{workload.id}_{competitor.program}"


def command(build, workload, competitor):
    program = executable(build, workload, competitor)
    words = [str(program)] if program else [machine.python(),
                                            str(BENCH / workload.id / "python.py")]
    if workload.script:
        words = [sys.executable, str(BENCH / workload.id / workload.script), *words]
    return words


def arguments(benchmark, seconds):
    return ["--benchmark_format=json", f"--benchmark_min_time={seconds}",
            f"--benchmark_filter=^{benchmark}(/.*)?$"]


def environment(competitor, sizes=(), iterations=0):
    wanted = {**os.environ, **competitor.environment, "PYTHONDONTWRITEBYTECODE": "1"}
    for changing in ("MAYHEM_DEBUG", "MALLOC_PERTURB_"):  # `meson test` lets malloc fill blocks
        wanted.pop(changing, None)
    if sizes:
        wanted["BENCH_SIZES"] = ",".join(map(str, sizes))
    if iterations:
        wanted["BENCH_ITERATIONS"] = str(iterations)
    return wanted


def pinned(workload):
    processors = machine.measured_processors(workload.processors)
    return lambda: os.sched_setaffinity(0, processors)


def call(words, workload, env):
    """Runs a command on the workload's processors; (standard output, standard error)."""
    try:
        ran = subprocess.run(words, env=env, capture_output=True, text=True, timeout=TIMEOUT_S,
                             preexec_fn=pinned(workload), check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failed(str(error)) from None
    if ran.returncode != 0:
        said = (ran.stderr.strip() or ran.stdout.strip()).splitlines()
        raise Failed(f"exit status {ran.returncode}: {said[-1] if said else 'it said nothing'}")
    return ran.stdout, ran.stderr


def parse(text):
    """Yields (benchmark, size, counters) from Google Benchmark's JSON; size 0 means none."""
    try:
        entries = json.loads(text)["benchmarks"]
    except (ValueError, KeyError):
        raise Failed("what it printed is not Google Benchmark's JSON") from None
    for entry in entries:
        if entry.get("error_occurred"):
            raise Failed(entry.get("error_message", "an error without a message"))
        name, *parts = entry["name"].split("/")
        size = int(parts[0]) if parts and parts[0].isdigit() else 0
        counters = {key: value for key, value in entry.items()
                    if isinstance(value, (int, float)) and not isinstance(value, bool)
                    and not key.endswith("_index")}
        scale = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}[entry.get("time_unit", "ns")]
        for key in ("real_time", "cpu_time"):
            if key in counters:
                counters[key] *= scale
        yield name, size, counters


def measure(build, workload, case, competitor, seconds, quick):
    """One sample of each size: a list of (size, counters); empty when the program does not have
    the case, which only peers and limits may lack. @raises Failed"""
    words = command(build, workload, competitor) + arguments(case.benchmark, seconds)
    env = environment(competitor, case.sizes_for(quick))
    env["BENCH_BUILD"] = str(build)
    output, said = call(words, workload, env)
    lacks_case = "Failed to match any benchmarks" in said
    if lacks_case and competitor.kind != "mayhem":
        return []
    return [(size, counters) for name, size, counters in parse(output) if name == case.benchmark]


def calibrate(build, workload):
    output, _ = call([str(Path(build) / "bench" / "calibrate")], workload, dict(os.environ))
    return json.loads(output)
