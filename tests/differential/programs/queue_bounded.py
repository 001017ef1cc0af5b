"""A full queue makes the producer wait until there is a slot."""

import asyncio

from pair import event


async def producer(items):
    for item in (1, 2, 3):
        await items.put(item)
        event(f"put {item}, {items.qsize()} inside")


async def main():
    items = asyncio.Queue(1)
    producing = asyncio.create_task(producer(items))
    for _ in range(3):
        await asyncio.sleep(1)
        event(f"got {await items.get()}")
    await producing
