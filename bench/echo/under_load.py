"""Puts one echo server under load and answers as the other programs do, in Google Benchmark's JSON.

    under_load.py SERVER... --benchmark_filter=^CASE... --benchmark_min_time=SECONDS

BENCH_SIZES says how many connections, or how many loops the server has; BENCH_BUILD where the load
generator is. The server gets the first of our processors, the load generator the second; a server
of several loops gets all of them.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import idle_connections

# What each case sends: bytes of a request, requests per second (0: as fast as the answers come).
CASES = {"small": (64, 0), "large": (16 << 10, 0), "huge": (1 << 20, 0), "steady": (64, 5000),
         "loops": (64, 0)}

# Sizes are connections, but for this case.
LOOP_CONNECTIONS = 50
# Who can share the work among loops.
HAVE_LOOPS = ("echo_mayhem", "echo_raw", "echo_asio_callbacks", "echo_asio_callbacks_uring")

# The buffer of every server is so long at least, whatever is sent.
BUFFER_BYTES = 16 << 10

# A turn of a server is longer than one of a function: it has a start, and clients that connect.
LONGER = 5


def option(name):
    value = next(word for word in sys.argv if word.startswith(f"--benchmark_{name}="))
    return value.split("=", 1)[1]


def load(server, case, size, seconds):
    """One run of the load generator: the entries of its answer."""
    processors = sorted(os.sched_getaffinity(0))
    bytes_of_request, rate = CASES[case]
    shares = case == "loops"
    connections, loops = (LOOP_CONNECTIONS, size) if shares else (size, 1)
    place_of_server = -1 if loops > 1 else processors[0]
    buffer_bytes = max(BUFFER_BYTES, bytes_of_request)
    answer = subprocess.run(
        [Path(os.environ["BENCH_BUILD"]) / "bench" / "load" / "load",
         "--name", f"{case}/{size}", "--connections", str(connections),
         "--size", str(bytes_of_request), "--rate", str(rate), "--seconds", str(seconds),
         "--warm-up", str(seconds / 4), "--pin", str(place_of_server), str(processors[-1]),
         "--", *server, str(buffer_bytes), *([str(loops)] if shares else [])],
        stdout=subprocess.PIPE, text=True, check=False)
    if answer.returncode != 0:
        sys.exit(answer.returncode)
    return json.loads(answer.stdout)["benchmarks"]


def idle(server, case, size, _seconds):
    """No load at all: what each connection keeps in memory."""
    held = idle_connections.bytes_per_connection([*server, str(BUFFER_BYTES)], size)
    return [{"name": f"{case}/{size}", "bytes_per_connection": held}]


def main():
    server = [word for word in sys.argv[1:] if not word.startswith("--benchmark_")]
    case = re.match(r"\^(\w+)", option("filter")).group(1)
    seconds = LONGER * float(option("min_time"))
    if case == "loops" and Path(server[0]).name not in HAVE_LOOPS:
        print("Failed to match any benchmarks", file=sys.stderr)
        print(json.dumps({"benchmarks": []}))
        return
    load_of = idle if case == "idle" else load
    answers = []
    for size in map(int, os.environ["BENCH_SIZES"].split(",")):
        answers += load_of(server, case, size, seconds)
    print(json.dumps({"benchmarks": answers}))


main()
