"""A getter that is cancelled after an item came for it takes none: the next one gets it."""

import asyncio

from pair import event


async def getter(name, items):
    try:
        event(f"{name} got {await items.get()}")
    except asyncio.CancelledError:
        event(f"{name} cancelled")
        raise


async def main():
    items = asyncio.Queue()
    first = asyncio.create_task(getter("first", items))
    second = asyncio.create_task(getter("second", items))
    await asyncio.sleep(1)
    items.put_nowait(7)
    first.cancel()
    await second
