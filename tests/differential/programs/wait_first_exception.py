"""FIRST_EXCEPTION ends with the first error; being cancelled is none."""

import asyncio

from pair import event


async def fail():
    await asyncio.sleep(2)
    raise ValueError("no")


async def main():
    stopped = asyncio.create_task(asyncio.sleep(10))
    tasks = [stopped, asyncio.create_task(fail()), asyncio.create_task(asyncio.sleep(3))]
    asyncio.get_running_loop().call_later(1, stopped.cancel)
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    event(f"{len(done)} done, {len(pending)} pending")
    await tasks[2]
