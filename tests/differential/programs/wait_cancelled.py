"""Cancelling who waits leaves the others alone."""

import asyncio

from pair import event


async def work():
    await asyncio.sleep(2)
    event("work ends")


async def waiter(task):
    try:
        await asyncio.wait([task])
    except asyncio.CancelledError:
        event("waiter cancelled")
        raise


async def main():
    task = asyncio.create_task(work())
    waiting = asyncio.create_task(waiter(task))
    await asyncio.sleep(1)
    waiting.cancel()
    await task
    event(f"{waiting.cancelled()} {task.cancelled()}")
