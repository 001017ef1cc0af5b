"""A body that swallows the request of its limit goes on; the limit has expired all the same."""

import asyncio

from pair import event


async def main():
    async with asyncio.timeout(1) as limit:
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            event("swallowed")
    event(f"expired {limit.expired()}, cancelling {asyncio.current_task().cancelling()}")
