"""Callbacks run in order on the next tick; what they schedule, on the one after."""

import asyncio

from pair import event


def callback(loop, name, depth):
    event(f"{name} {depth}")
    if depth < 2:
        loop.call_soon(callback, loop, name, depth + 1)


async def main():
    loop = asyncio.get_running_loop()
    for name in "ab":
        loop.call_soon(callback, loop, name, 1)
    event("scheduled")
    await asyncio.sleep(1)
