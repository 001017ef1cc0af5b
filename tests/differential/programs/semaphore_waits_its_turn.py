"""A permit is free, but somebody who was woken has not run yet: the newcomer waits for that."""

import asyncio

from pair import event


async def worker(name, permits):
    async with permits:
        event(f"{name} in")


async def main():
    permits = asyncio.Semaphore(0)
    first = asyncio.create_task(worker("first", permits))
    await asyncio.sleep(1)
    permits.release()
    permits.release()
    event(f"locked {permits.locked()}")
    await worker("newcomer", permits)
    await first
