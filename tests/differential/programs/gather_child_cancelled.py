"""A child that is cancelled by itself counts as failed; its siblings go on."""

import asyncio

from pair import event


async def work():
    await asyncio.sleep(2)
    event("sibling ends")


async def main():
    child = asyncio.create_task(asyncio.sleep(10))
    sibling = asyncio.create_task(work())
    asyncio.get_running_loop().call_later(1, child.cancel)
    try:
        await asyncio.gather(child, sibling)
    except asyncio.CancelledError:
        event(f"raised, cancelling {asyncio.current_task().cancelling()}")
    await sibling
