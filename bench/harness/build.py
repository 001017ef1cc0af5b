"""Configures and builds build/bench: every competitor with the same flags, -O2 -DNDEBUG.

What is there is reused. A library that is missing leaves its programs out; only Google Benchmark
and what Mayhem itself needs must be there, and meson names the packages.
"""

import os
import subprocess
import sys

OPTIONS = ["-Dbuildtype=release", "-Doptimization=2", "-Db_ndebug=true", "-Dbench=enabled",
           "-Dbench_peers=true", "-Dtests=disabled", "-Dexamples=disabled", "-Dmandrill=disabled"]


def _run(command, log):
    """Shows the end of the log when it fails."""
    with open(log, "w", encoding="utf-8") as output:
        ran = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, check=False)
    if ran.returncode != 0:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        sys.exit("\n".join([*lines[-15:], f"bench/run: the build failed; all of it is in {log}"]))


def build(root, directory):
    directory.mkdir(parents=True, exist_ok=True)
    log = directory / "bench-build.log"
    first = not (directory / "build.ninja").exists()
    print("building" + (", for the first time, which takes minutes" if first else ""),
          file=sys.stderr)
    # Always configured: a library that was installed since the last time is then found.
    reconfigure = [] if first else ["--reconfigure"]
    _run(["meson", "setup", *reconfigure, *OPTIONS, str(directory), str(root)], log)
    jobs = len(os.sched_getaffinity(0))
    _run(["ninja", "-C", str(directory), "-j", str(jobs)], log)
