"""A waiter that was woken and is cancelled before it runs passes the lock on."""

import asyncio

from pair import event


async def worker(name, lock):
    async with lock:
        event(f"{name} has it")
        await asyncio.sleep(1)


async def main():
    lock = asyncio.Lock()
    await lock.acquire()
    first = asyncio.create_task(worker("first", lock))
    second = asyncio.create_task(worker("second", lock))
    await asyncio.sleep(1)
    lock.release()
    first.cancel()
    await second
    event(f"first cancelled {first.cancelled()}, locked {lock.locked()}")
