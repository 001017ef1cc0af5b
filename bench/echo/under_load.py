"""Puts one echo server under load and answers as the other programs do, in Google Benchmark's JSON.

    under_load.py SERVER... --benchmark_filter=^CASE... --benchmark_min_time=SECONDS

BENCH_SIZES says how many connections; BENCH_BUILD where the load generator is. The server gets the
first of our processors, the load generator the second.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

# What each case sends: bytes of a request, requests per second (0: as fast as the answers come).
CASES = {"small": (64, 0), "large": (16 * 1024, 0), "steady": (64, 5000)}

# The buffer of every server, whatever is sent.
BUFFER_BYTES = 16 * 1024

# A turn of a server is longer than one of a function: it has a start, and clients that connect.
LONGER = 5


def option(name):
    value = next(word for word in sys.argv if word.startswith(f"--benchmark_{name}="))
    return value.split("=", 1)[1]


def main():
    server = [word for word in sys.argv[1:] if not word.startswith("--benchmark_")]
    case = re.match(r"\^(\w+)", option("filter")).group(1)
    seconds = LONGER * float(option("min_time"))
    size, rate = CASES[case]
    processors = sorted(os.sched_getaffinity(0))
    answers = []
    for connections in os.environ["BENCH_SIZES"].split(","):
        answer = subprocess.run(
            [Path(os.environ["BENCH_BUILD"]) / "bench" / "load" / "load",
             "--name", f"{case}/{connections}", "--connections", connections, "--size", str(size),
             "--rate", str(rate), "--seconds", str(seconds), "--warm-up", str(seconds / 4),
             "--pin", str(processors[0]), str(processors[-1]), "--", *server, str(BUFFER_BYTES)],
            stdout=subprocess.PIPE, text=True, check=False)
        if answer.returncode != 0:
            sys.exit(answer.returncode)
        answers += json.loads(answer.stdout)["benchmarks"]
    print(json.dumps({"benchmarks": answers}))


main()
