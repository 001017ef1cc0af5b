"""At most two at a time, in the order in which they came."""

import asyncio

from pair import event


async def worker(name, permits):
    async with permits:
        event(f"{name} in")
        await asyncio.sleep(1)
    event(f"{name} out")


async def main():
    permits = asyncio.Semaphore(2)
    workers = [asyncio.create_task(worker(name, permits)) for name in "abcd"]
    for each in workers:
        await each
    event(f"locked {permits.locked()}")
