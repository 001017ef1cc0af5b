"""Timers run in the order of their deadlines, equal ones in the order in which they were made."""

import asyncio

from pair import event


async def main():
    loop = asyncio.get_running_loop()
    for name, delay in (("a", 2), ("b", 1), ("c", 2), ("d", 0), ("e", 1)):
        loop.call_later(delay, event, name)
    await asyncio.sleep(3)
