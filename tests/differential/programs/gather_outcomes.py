"""With return_exceptions it waits for everybody, and errors are results."""

import asyncio

from pair import event


async def fail():
    await asyncio.sleep(1)
    raise ValueError("no")


async def work():
    await asyncio.sleep(2)
    return 2


async def main():
    stopped = asyncio.create_task(asyncio.sleep(10))
    stopped.cancel()
    error, value, gone = await asyncio.gather(fail(), work(), stopped, return_exceptions=True)
    event(f"{error}, {value}, {isinstance(gone, asyncio.CancelledError)}")
