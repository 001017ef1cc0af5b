"""uncancel down to zero takes back a request that was not raised yet."""

import asyncio

from pair import event


async def work():
    task = asyncio.current_task()
    task.cancel()
    task.cancel()
    event(f"left {task.uncancel()}")
    event(f"left {task.uncancel()}")
    await asyncio.sleep(1)
    event("not cancelled")


async def main():
    await asyncio.create_task(work())
