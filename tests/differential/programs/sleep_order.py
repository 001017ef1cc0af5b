"""Equal deadlines keep their order; sleep(0) lets everybody else run once."""

import asyncio

from pair import event


async def sleeper(name, seconds):
    await asyncio.sleep(seconds)
    event(f"{name} woke")


async def main():
    sleepers = [asyncio.create_task(sleeper(name, seconds))
                for name, seconds in (("a", 2), ("b", 1), ("c", 2), ("d", 0), ("e", 1))]
    await asyncio.sleep(1)
    event("main woke")
    for each in sleepers:
        await each
