"""A result that is there already is delivered; the cancellation comes at the next await."""

import asyncio

from pair import event

RULES = ("no result is lost",)


async def work():
    await asyncio.sleep(1)
    return 7


async def waiter(task):
    event(f"got {await task}")
    try:
        await asyncio.sleep(1)
    except asyncio.CancelledError:
        event("cancelled at the next await")
        raise


async def main():
    task = asyncio.create_task(work())
    waiting = asyncio.create_task(waiter(task))
    task.add_done_callback(lambda _: waiting.cancel())
    await asyncio.wait([waiting])
    event(f"cancelled {waiting.cancelled()}")
