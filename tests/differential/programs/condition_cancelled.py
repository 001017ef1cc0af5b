"""A waiter holds the lock when it is cancelled, and passes a notification on."""

import asyncio

from pair import event


async def waiter(name, changed):
    async with changed:
        try:
            await changed.wait()
            event(f"{name} notified")
        except asyncio.CancelledError:
            event(f"{name} cancelled, locked {changed.locked()}")
            raise


async def main():
    changed = asyncio.Condition()
    first = asyncio.create_task(waiter("first", changed))
    second = asyncio.create_task(waiter("second", changed))
    await asyncio.sleep(1)
    async with changed:
        changed.notify()
        first.cancel()
    await second
