"""The same task may come several times; its result does, too."""

import asyncio

from pair import event


async def work():
    event("runs once")
    return 5


async def main():
    task = asyncio.create_task(work())
    values = await asyncio.gather(task, task, task)
    event(f"{values[0]} {values[1]} {values[2]}")
