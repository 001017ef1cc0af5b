"""When the time is up, each that is missing raises TimeoutError; nothing is cancelled."""

import asyncio

from pair import event


async def work(seconds):
    await asyncio.sleep(seconds)
    event(f"{seconds} ends")
    return seconds


async def main():
    for coming in asyncio.as_completed([work(3), work(1), work(4)], timeout=2):
        try:
            event(f"got {await coming}")
        except TimeoutError:
            event("too late")
    await asyncio.sleep(5)
