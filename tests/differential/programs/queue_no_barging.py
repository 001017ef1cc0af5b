"""An item that came for somebody who waits cannot be taken by a latecomer."""

import asyncio

from pair import event

RULES = ("no barging",)


async def getter(name, items):
    event(f"{name} got {await items.get()}")


async def main():
    items = asyncio.Queue()
    first = asyncio.create_task(getter("first", items))
    await asyncio.sleep(1)
    items.put_nowait(7)
    event(f"{items.qsize()} for others")
    late = asyncio.create_task(getter("late", items))
    await getter_or_nothing(items)
    items.put_nowait(8)
    await first
    await late


async def getter_or_nothing(items):
    try:
        event(f"took {items.get_nowait()}")
    except asyncio.QueueEmpty:
        event("nothing to take")
