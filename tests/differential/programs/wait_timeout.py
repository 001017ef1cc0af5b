"""A wait whose time is up raises nothing and cancels nothing."""

import asyncio

from pair import event


async def work():
    await asyncio.sleep(3)
    event("work ends")


async def main():
    task = asyncio.create_task(work())
    done, pending = await asyncio.wait([task], timeout=1)
    event(f"{len(done)} done, {len(pending)} pending")
    done, pending = await asyncio.wait([task], timeout=2)
    event(f"at the same instant: {len(done)} done, {len(pending)} pending")
    await task
