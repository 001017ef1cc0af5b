"""A waiter that leaves without having been notified wakes nobody."""

import asyncio

from pair import event

RULES = ("no made-up notification",)


async def waiter(name, changed):
    async with changed:
        await changed.wait()
        event(f"{name} notified")


async def main():
    changed = asyncio.Condition()
    first = asyncio.create_task(waiter("first", changed))
    second = asyncio.create_task(waiter("second", changed))
    await asyncio.sleep(1)
    first.cancel()
    await asyncio.sleep(1)
    event(f"second is done: {second.done()}")
    second.cancel()
    await asyncio.wait([first, second])
