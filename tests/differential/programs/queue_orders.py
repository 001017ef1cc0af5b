"""First in, last in, smallest: three queues."""

import asyncio

from pair import event


async def main():
    for kind in (asyncio.Queue, asyncio.LifoQueue, asyncio.PriorityQueue):
        items = kind()
        for item in (2, 3, 1):
            items.put_nowait(item)
        a, b, c = await items.get(), await items.get(), await items.get()
        event(f"{a} {b} {c}")
