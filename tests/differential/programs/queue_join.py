"""join waits until everything that was put has been dealt with."""

import asyncio

from pair import event


async def consumer(items):
    while True:
        item = await items.get()
        await asyncio.sleep(1)
        event(f"did {item}")
        items.task_done()


async def main():
    items = asyncio.Queue()
    consuming = asyncio.create_task(consumer(items))
    for item in (1, 2):
        items.put_nowait(item)
    await items.join()
    event("all done")
    consuming.cancel()
    await asyncio.wait([consuming])
