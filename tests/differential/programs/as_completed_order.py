"""as_completed gives results in the order in which they come."""

import asyncio

from pair import event


async def work(seconds):
    await asyncio.sleep(seconds)
    return seconds


async def main():
    for coming in asyncio.as_completed([work(3), work(1), work(2)]):
        event(f"got {await coming}")
