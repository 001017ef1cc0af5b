"""Cancelled while it joins, a group cancels its tasks and joins on."""

import asyncio

from pair import event


async def child():
    try:
        await asyncio.sleep(10)
    finally:
        await asyncio.sleep(2)
        event("child ends")


async def parent():
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(child())
    finally:
        event("parent ends")


async def main():
    task = asyncio.create_task(parent())
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.wait([task])
    event(f"cancelled {task.cancelled()}")
