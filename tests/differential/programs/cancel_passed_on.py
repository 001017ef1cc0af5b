"""Cancelling a task that awaits another one cancels that one."""

import asyncio

from pair import event


async def child():
    try:
        await asyncio.sleep(10)
    except asyncio.CancelledError:
        event("child cancelled")
        raise


async def parent(task):
    try:
        await task
    except asyncio.CancelledError:
        event("parent cancelled")
        raise


async def main():
    task = asyncio.create_task(child())
    above = asyncio.create_task(parent(task))
    await asyncio.sleep(1)
    above.cancel()
    event(f"requests {above.cancelling()} {task.cancelling()}")
    await asyncio.wait([above])
    event(f"{above.cancelled()} {task.cancelled()}")
