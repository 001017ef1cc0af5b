"""A put that is cancelled has not happened."""

import asyncio

from pair import event


async def putter(name, items, item):
    await items.put(item)
    event(f"{name} put {item}")


async def main():
    items = asyncio.Queue(1)
    items.put_nowait(1)
    first = asyncio.create_task(putter("first", items, 2))
    second = asyncio.create_task(putter("second", items, 3))
    await asyncio.sleep(1)
    event(f"got {items.get_nowait()}")
    first.cancel()
    await second
    event(f"got {await items.get()}, {items.qsize()} left")
