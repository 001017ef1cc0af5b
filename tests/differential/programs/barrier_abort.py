"""An aborted barrier sends everybody away, until it is reset."""

import asyncio

from pair import event


async def worker(name, gate):
    try:
        await gate.wait()
        event(f"{name} passed")
    except asyncio.BrokenBarrierError:
        event(f"{name} sent away")


async def main():
    gate = asyncio.Barrier(3)
    workers = [asyncio.create_task(worker(name, gate)) for name in "ab"]
    await asyncio.sleep(1)
    await gate.abort()
    await worker("late", gate)
    event(f"broken {gate.broken}")
    for each in workers:
        await each
    await gate.reset()
    event(f"broken {gate.broken}")
