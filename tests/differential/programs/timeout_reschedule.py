"""A limit can be moved while the work runs."""

import asyncio

from pair import event


async def main():
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(1) as limit:
            limit.reschedule(loop.time() + 3)
            await asyncio.sleep(2)
            event("past the first limit")
            await asyncio.sleep(2)
    except TimeoutError:
        event("timeout")
