"""A child that failed before is noticed before the children behind it can start anything."""

import asyncio

from pair import event


async def fail():
    raise ValueError("no")


async def late():
    event("late runs")


async def starter():
    event("starter runs")
    asyncio.create_task(late())


async def main():
    failed = asyncio.create_task(fail())
    await asyncio.wait([failed])
    try:
        await asyncio.gather(failed, starter())
    except ValueError:
        event("gather raised")
    await asyncio.sleep(1)
