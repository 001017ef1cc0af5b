"""A group ends when its body and all its tasks have."""

import asyncio

from pair import event


async def work(name, seconds):
    await asyncio.sleep(seconds)
    event(f"{name} ends")
    return seconds


async def main():
    async with asyncio.TaskGroup() as group:
        slow = group.create_task(work("slow", 2))
        group.create_task(work("fast", 1))
        event("body ends")
    event(f"group over, {await slow}")
