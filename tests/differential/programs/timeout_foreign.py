"""A task that somebody else cancelled stays cancelled, although its time is up as well."""

import asyncio

from pair import event


async def work():
    try:
        async with asyncio.timeout(1):
            await asyncio.sleep(10)
    except TimeoutError:
        event("timeout")
    finally:
        event("work leaves")


async def main():
    task = asyncio.create_task(work())
    asyncio.get_running_loop().call_later(1, task.cancel)
    await asyncio.wait([task])
    event(f"cancelled {task.cancelled()}")
