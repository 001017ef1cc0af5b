"""Work that swallows the cancellation and returns has its way."""

import asyncio

from pair import event


async def work():
    try:
        await asyncio.sleep(10)
    except asyncio.CancelledError:
        event("swallowed")
    return 42


async def main():
    event(f"result {await asyncio.wait_for(work(), 1)}")
    event(f"cancelling {asyncio.current_task().cancelling()}")
