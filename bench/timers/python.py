"""Timers of asyncio. Creating tasks takes it longer; they get more time before the first is due.

Cancelled timers stay in its heap until they are half of it: clearing them out is in the figure.
"""

import asyncio
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

import python_peer  # noqa: E402
from python_peer import case  # noqa: E402

BATCH = 1000


def delays():
    """Between one second and a minute, in no order."""
    value = 88172645463325252
    while True:
        value = (value * 6364136223846793005 + 1442695040888963407) % 2 ** 64
        yield 1 + (value >> 11) % 59_000_000_000 / 1e9


async def arm_and_cancel(iterations, live):
    loop = asyncio.get_running_loop()
    now, later = loop.time(), delays()
    waiting = [loop.call_at(now + next(later), int) for _ in range(live)]
    chosen = [now + next(later) for _ in range(BATCH)]
    begin = time.perf_counter_ns()
    for _ in range(iterations):
        for when in chosen:
            loop.call_at(when, int).cancel()
        await asyncio.sleep(0)
    passed = time.perf_counter_ns() - begin
    for handle in waiting:
        handle.cancel()
    return {"real_time": passed / iterations}


case("arm_cancel", sizes=(100, 10_000), operations=lambda _: BATCH)(arm_and_cancel)
case("call_later", sizes=(100, 10_000), operations=lambda _: BATCH)(arm_and_cancel)


async def sleeper(deadline, late):
    now = time.monotonic_ns()
    await asyncio.sleep((deadline() - now) / 1e9)
    late.append(time.monotonic_ns() - deadline())


@case("sleeps", sizes=(100_000,), iterations=1)
async def sleeps(_, count):
    begin = 0
    late = []
    cpu = time.process_time_ns()
    tasks = [asyncio.create_task(sleeper(lambda n=n: begin + n * 500_000_000 // count, late))
             for n in range(count)]
    begin = time.monotonic_ns() + count * 10_000
    for task in tasks:
        await task
    cpu = time.process_time_ns() - cpu
    late.sort()
    return {"cpu_ns": cpu / count, "late_p50_us": late[count // 2] / 1e3,
            "late_p99_us": late[count * 99 // 100] / 1e3, "early": sum(one < 0 for one in late)}


if __name__ == "__main__":
    python_peer.main()
