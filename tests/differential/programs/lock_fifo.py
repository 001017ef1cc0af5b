"""Who releases a lock and wants it again stands behind those who wait."""

import asyncio

from pair import event


async def worker(name, lock):
    for turn in (1, 2):
        async with lock:
            event(f"{name} turn {turn}")


async def main():
    lock = asyncio.Lock()
    workers = [asyncio.create_task(worker(name, lock)) for name in "abc"]
    for each in workers:
        await each
