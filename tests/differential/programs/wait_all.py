"""wait gives two sets, and raises nothing."""

import asyncio

from pair import event


async def fail():
    await asyncio.sleep(1)
    raise ValueError("no")


async def main():
    tasks = [asyncio.create_task(fail()), asyncio.create_task(asyncio.sleep(2))]
    done, pending = await asyncio.wait(tasks)
    event(f"{len(done)} done, {len(pending)} pending")
    event(f"failed {tasks[0].exception() is not None}")
