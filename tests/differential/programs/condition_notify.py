"""notify wakes that many, in order; each goes on when it has the lock again."""

import asyncio

from pair import event


async def waiter(name, changed):
    async with changed:
        await changed.wait()
        event(f"{name} notified")


async def main():
    changed = asyncio.Condition()
    waiters = [asyncio.create_task(waiter(name, changed)) for name in "abc"]
    await asyncio.sleep(1)
    async with changed:
        changed.notify(2)
        event("two notified")
        await asyncio.sleep(1)
    await asyncio.sleep(1)
    async with changed:
        changed.notify_all()
    for each in waiters:
        await each
