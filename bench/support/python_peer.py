"""What the Python benchmarks share: they take the same options and print the same JSON as Google
Benchmark does, so that bench/run need not know who is written in what.

A case is a coroutine function of (iterations, size). It is run on asyncio, or on uvloop when
BENCH_LOOP says so, with as many iterations as fill the time that was asked for; starting the loop
is not part of the figures. What it returns, if anything, are further counters.
"""

import argparse
import asyncio
import json
import os
import re
import sys
import time

_CASES = {}


def case(name, sizes=(0,), operations=lambda size: max(size, 1), iterations=0):
    """Registers the function below it. `operations` is how many an iteration has."""
    def register(function):
        _CASES[name] = (function, sizes, operations, iterations)
        return function
    return register


def _run_loop(main):
    if os.environ.get("BENCH_LOOP") == "uvloop":
        import uvloop
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(main)
    return asyncio.run(main)


def _measure_once(function, iterations, size):
    """(nanoseconds that passed, processor nanoseconds, further counters)."""
    async def main():
        cpu = time.process_time_ns()
        begin = time.perf_counter_ns()
        counters = await function(iterations, size)
        end = time.perf_counter_ns()
        return end - begin, time.process_time_ns() - cpu, counters or {}
    return _run_loop(main())


def _measure(function, size, fixed, seconds):
    """Grows the number of iterations until they last long enough."""
    iterations = fixed or 1
    while True:
        passed, cpu, counters = _measure_once(function, iterations, size)
        if fixed or passed >= seconds * 1e9:
            return iterations, passed, cpu, counters
        aim = iterations * seconds * 1.4e9 / max(passed, 1)
        iterations = int(min(max(aim, iterations + 1), iterations * 10))


def _entry(name, size, seconds):
    function, _, operations, fixed = _CASES[name]
    wanted = int(os.environ.get("BENCH_ITERATIONS", "0"))
    iterations, passed, cpu, counters = _measure(function, size, fixed or wanted, seconds)
    return {"name": f"{name}/{size}" if size else name, "time_unit": "ns",
            "iterations": iterations, "real_time": passed / iterations,
            "cpu_time": cpu / iterations, "operations": operations(size), **counters}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--benchmark_format", default="json")
    parser.add_argument("--benchmark_min_time", type=float, default=0.2)
    parser.add_argument("--benchmark_filter", default=".")
    options = parser.parse_args()
    chosen = [int(size) for size in os.environ.get("BENCH_SIZES", "").split(",") if size]
    entries = []
    for name, (_, sizes, _, _) in _CASES.items():
        if not re.search(options.benchmark_filter, name):
            continue
        for size in (sizes if sizes == (0,) else chosen or sizes):
            entries.append(_entry(name, size, options.benchmark_min_time))
    json.dump({"benchmarks": entries}, sys.stdout, indent=1)
