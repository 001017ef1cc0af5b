"""What this machine is and what it has: for the report's heading, and to leave out who cannot run.

It refuses to change anything: no governor, no sysctl; what would make measurements calmer is told.
"""

import ctypes
import datetime
import functools
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

IO_URING_SETUP = 425  # the same number on all architectures


def has_io_uring():
    """Whether the kernel lets this process have a ring: with entries it answers a descriptor."""
    parameters = ctypes.create_string_buffer(120)
    descriptor = ctypes.CDLL(None).syscall(IO_URING_SETUP, 4, parameters)
    if descriptor < 0:
        return False
    os.close(descriptor)
    return True


def _first(path, key=""):
    """The value behind `key` in a file of /proc or /etc, or its first line."""
    try:
        for line in Path(path).read_text(encoding="utf-8").splitlines():
            if line.startswith(key):
                return line.split(":" if ":" in line else "=")[-1].strip().strip('"')
    except OSError:
        pass
    return ""


def _output(*command):
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
        return ran.stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def describe(root):
    """A dictionary for the report's heading."""
    memory_kb = _first("/proc/meminfo", "MemTotal").split(" ")[0] or "0"
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "host": platform.node(),
        "processor": _first("/proc/cpuinfo", "model name") or platform.machine(),
        "processors": len(os.sched_getaffinity(0)),
        "memory_gb": round(int(memory_kb) / 1e6),
        "kernel": platform.release(),
        "system": _first("/etc/os-release", "PRETTY_NAME"),
        "virtual": _output("systemd-detect-virt") not in ("", "none"),
        "governor": _first("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "compiler": _output("c++", "--version").split("\n")[0],
        "python": _output(python(), "--version"),
        "commit": _output("git", "-C", str(root), "describe", "--always", "--dirty"),
    }


def measured_processors(count):
    """The last processors: the first ones get the interrupts and the harness."""
    return sorted(os.sched_getaffinity(0))[-count:]


def why_missing(competitor, executable):
    """Why a competitor cannot take part, as (what, remedy); None when it can."""
    if competitor.needs == "io_uring" and not has_io_uring():
        return "the kernel refuses io_uring here", "sysctl kernel.io_uring_disabled=0, or a " \
            "container profile that allows io_uring_setup"
    if competitor.kind == "python":
        if competitor.needs and not _can_import(python(), competitor.needs):
            return f"{competitor.needs} is not installed", competitor.package
        return None
    if executable is not None and not executable.exists():
        return "it was not built, since its library is missing", competitor.package
    return None


@functools.cache
def _can_import(interpreter, module):
    check = f"import importlib.util as u, sys; sys.exit(u.find_spec({module!r}) is None)"
    return subprocess.run([interpreter, "-c", check], check=False).returncode == 0


@functools.cache
def python():
    """The interpreter of all Python competitors: this one, or the system's if only that has uvloop,
    which a distribution installs for its own."""
    system = "/usr/bin/python3"
    if not _can_import(sys.executable, "uvloop") and os.access(system, os.X_OK) \
            and _can_import(system, "uvloop"):
        return system
    return sys.executable


def tool(name):
    return shutil.which(name)
