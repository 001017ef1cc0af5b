"""With no time at all, what is done gives its value, and a coroutine is not even started."""

import asyncio

from pair import event


async def work():
    event("started")
    return 1


async def main():
    done = asyncio.create_task(work())
    await done
    event(f"value {await asyncio.wait_for(done, 0)}")
    try:
        await asyncio.wait_for(work(), 0)
    except TimeoutError:
        event("timeout, unstarted")
