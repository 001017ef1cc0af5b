"""Who awaits a task that is cancelled sees the cancellation, and is not cancelled itself."""

import asyncio

from pair import event


async def waiter(name, task):
    try:
        await task
    except asyncio.CancelledError:
        event(f"{name} saw it, cancelling {asyncio.current_task().cancelling()}")


async def main():
    task = asyncio.create_task(asyncio.sleep(10))
    waiters = [asyncio.create_task(waiter(name, task)) for name in "ab"]
    await asyncio.sleep(1)
    task.cancel()
    for each in waiters:
        await each
