"""An error travels outwards, one group inside the other."""

import asyncio

from pair import event


async def fail():
    await asyncio.sleep(1)
    raise ValueError("deep")


async def inner():
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())
            await asyncio.sleep(10)
    finally:
        event("inner over")


async def main():
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(inner())
            await asyncio.sleep(10)
    except ExceptionGroup as outside:
        inside = outside.exceptions[0]
        event(f"raised {len(outside.exceptions)} with {len(inside.exceptions)} in it")
