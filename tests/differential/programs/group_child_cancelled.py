"""A task that is cancelled by itself is no failure."""

import asyncio

from pair import event


async def work():
    await asyncio.sleep(2)
    event("work ends")


async def main():
    async with asyncio.TaskGroup() as group:
        child = group.create_task(asyncio.sleep(10))
        group.create_task(work())
        await asyncio.sleep(1)
        child.cancel()
    event("group over")
