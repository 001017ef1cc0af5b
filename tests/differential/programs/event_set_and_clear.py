"""Who waited when an event was set goes on, although it was cleared before they ran."""

import asyncio

from pair import event


async def waiter(name, flag):
    await flag.wait()
    event(f"{name} goes on, set {flag.is_set()}")


async def main():
    flag = asyncio.Event()
    waiters = [asyncio.create_task(waiter(name, flag)) for name in "ab"]
    await asyncio.sleep(1)
    flag.set()
    flag.clear()
    for each in waiters:
        await each
    late = asyncio.create_task(waiter("late", flag))
    await asyncio.sleep(1)
    flag.set()
    await late
