"""A task may swallow its cancellation: it ends with its result, and does not hear of it again."""

import asyncio

from pair import event


async def stubborn():
    try:
        await asyncio.sleep(10)
    except asyncio.CancelledError:
        event("swallowed")
    await asyncio.sleep(1)
    event("slept on")
    return 42


async def main():
    task = asyncio.create_task(stubborn())
    await asyncio.sleep(1)
    task.cancel()
    event(f"result {await task}")
    event(f"cancelled {task.cancelled()}, cancelling {task.cancelling()}")
