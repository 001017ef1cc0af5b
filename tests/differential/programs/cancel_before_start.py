"""A task that is cancelled before its first step never runs its body."""

import asyncio

from pair import event


async def work():
    event("this is never said")


async def main():
    task = asyncio.create_task(work())
    event(f"cancel {task.cancel()}")
    try:
        await task
    except asyncio.CancelledError:
        event(f"cancelled {task.cancelled()}")
