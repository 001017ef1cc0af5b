"""A gather of outcomes that is cancelled waits for every child, and is cancelled then."""

import asyncio

from pair import event


async def child(name, cleanup):
    try:
        await asyncio.sleep(10)
    finally:
        await asyncio.sleep(cleanup)
        event(f"{name} ends")


async def parent():
    try:
        await asyncio.gather(child("slow", 2), child("fast", 1), return_exceptions=True)
    finally:
        event("parent ends")


async def main():
    task = asyncio.create_task(parent())
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.wait([task])
    event(f"cancelled {task.cancelled()}")
