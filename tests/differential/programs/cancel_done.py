"""A finished task cannot be cancelled."""

import asyncio

from pair import event


async def work():
    return 1


async def main():
    task = asyncio.create_task(work())
    await task
    event(f"cancel {task.cancel()}")
    event(f"result {await task}, cancelling {task.cancelling()}")
