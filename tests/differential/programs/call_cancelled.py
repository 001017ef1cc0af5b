"""A handle takes its callback back, even in the instant in which it is due."""

import asyncio

from pair import event


async def main():
    loop = asyncio.get_running_loop()
    handles = []
    loop.call_later(1, lambda: (event("first"), handles[0].cancel()))
    handles.append(loop.call_later(1, event, "this is never said"))
    soon = loop.call_soon(event, "neither is this")
    soon.cancel()
    await asyncio.sleep(2)
    event(f"cancelled {handles[0].cancelled()}")
