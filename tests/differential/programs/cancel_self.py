"""A task that cancels itself goes on until its next await."""

import asyncio

from pair import event


async def work():
    asyncio.current_task().cancel()
    event("still here")
    try:
        await asyncio.sleep(0)
    except asyncio.CancelledError:
        event("cancelled at the await")
        raise


async def main():
    task = asyncio.create_task(work())
    try:
        await task
    except asyncio.CancelledError:
        event("main saw it")
