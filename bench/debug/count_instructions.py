#!/usr/bin/env python3
"""Counts the instructions of each workload of bench_debug, in each mode, with valgrind.

Why it is here: instructions do not depend on what else the machine does, so that a difference of
five among two hundred is seen. They are no time, though: reading a clock is few of them and costs
as much as many. So the times, from bench_debug itself on a quiet machine, come first.

Each figure is the difference of two runs, divided by the difference of their iterations: starting
and closing a loop are not in it. With the epoll backend, whose system calls are not counted.

usage: count_instructions.py BENCH_DEBUG
"""

import os
import re
import subprocess
import sys

WORKLOADS = ("await_child", "create_and_await_task", "yield", "queue_put_and_get", "call_soon")
MODES = ("off", "slow_steps", "debug")
FEW, MANY = 5000, 15000


def instructions(program, benchmark, iterations):
    environment = {**os.environ, "MAYHEM_BACKEND": "epoll", "BENCH_ITERATIONS": str(iterations)}
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program,
               f"--benchmark_filter=^{benchmark}/"]
    done = subprocess.run(command, env=environment, text=True, check=True, capture_output=True)
    return int(re.search(r"Collected : (\d+)", done.stderr)[1])


def main():
    program = sys.argv[1]
    print(f"{'instructions':<22}" + "".join(f"{mode:>12}" for mode in MODES))
    for workload in WORKLOADS:
        figures = []
        for mode in MODES:
            name = f"{workload}/{mode}"
            more = instructions(program, name, MANY) - instructions(program, name, FEW)
            figures.append(more / (MANY - FEW))
        print(f"{workload:<22}" + "".join(f"{figure:12.0f}" for figure in figures)
              + f"   {figures[-1] / figures[0]:.2f}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
