"""A limit and a sleep that end in one instant: what was armed first is first."""

import asyncio

from pair import event


async def sleeper(name, seconds):
    try:
        await asyncio.sleep(seconds)
        event(f"{name} slept")
    except asyncio.CancelledError:
        event(f"{name} cancelled")
        raise


async def main():
    try:
        await asyncio.wait_for(asyncio.gather(sleeper("a", 1), sleeper("b", 2)), 1)
    except TimeoutError:
        event("timeout")
    task = asyncio.create_task(sleeper("c", 1))
    await asyncio.sleep(0)
    try:
        await asyncio.wait_for(task, 1)
        event("in time")
    except TimeoutError:
        event("timeout")
