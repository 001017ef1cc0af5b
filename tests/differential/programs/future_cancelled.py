"""Cancelling a task that awaits a future cancels the future, and everybody else who awaits it."""

import asyncio

from pair import event


async def waiter(name, future):
    try:
        await future
    except asyncio.CancelledError:
        event(f"{name} cancelled, cancelling {asyncio.current_task().cancelling()}")


async def main():
    future = asyncio.get_running_loop().create_future()
    first = asyncio.create_task(waiter("first", future))
    second = asyncio.create_task(waiter("second", future))
    await asyncio.sleep(1)
    first.cancel()
    event(f"future cancelled {future.cancelled()}")
    await first
    await second
