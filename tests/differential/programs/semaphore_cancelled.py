"""A permit that was given to a waiter that is cancelled goes to the next."""

import asyncio

from pair import event


async def worker(name, permits):
    async with permits:
        event(f"{name} in")


async def main():
    permits = asyncio.Semaphore(0)
    workers = [asyncio.create_task(worker(name, permits)) for name in "abc"]
    await asyncio.sleep(1)
    permits.release()
    workers[0].cancel()
    await workers[1]
    permits.release()
    await workers[2]
