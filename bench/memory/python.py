"""Memory of a task of asyncio that sleeps."""

import asyncio
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

import python_peer  # noqa: E402
from python_peer import case  # noqa: E402


def resident_bytes():
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGESIZE")


@case("sleeping", sizes=(1_000_000,), iterations=1)
async def sleeping(_, count):
    before = resident_bytes()
    tasks = [asyncio.create_task(asyncio.sleep(3600)) for _ in range(count)]
    await asyncio.sleep(0)
    grown = resident_bytes() - before
    for task in tasks:
        task.cancel()
    return {"bytes_per_task": grown / count}


if __name__ == "__main__":
    python_peer.main()
