"""Tasks start on the next tick, in the order in which they were created."""

import asyncio

from pair import event


async def worker(name):
    event(f"{name} starts")
    await asyncio.sleep(0)
    event(f"{name} goes on")


async def main():
    first = asyncio.create_task(worker("first"))
    second = asyncio.create_task(worker("second"))
    event("created")
    await second
    await first
