"""The first error is raised at once; the others go on."""

import asyncio

from pair import event


async def fail():
    await asyncio.sleep(1)
    raise ValueError("no")


async def work():
    await asyncio.sleep(2)
    event("work ends")


async def main():
    task = asyncio.create_task(work())
    try:
        await asyncio.gather(fail(), task)
    except ValueError as error:
        event(f"raised {error}, the other is done: {task.done()}")
    await task
