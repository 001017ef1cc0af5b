"""A released lock belongs to the first who waits for it, from that moment on."""

import asyncio

from pair import event

RULES = ("handed over is locked",)


async def worker(lock):
    async with lock:
        event("worker has it")


async def main():
    lock = asyncio.Lock()
    await lock.acquire()
    waiting = asyncio.create_task(worker(lock))
    await asyncio.sleep(1)
    lock.release()
    event(f"locked {lock.locked()}")
    await waiting
    event(f"locked {lock.locked()}")
