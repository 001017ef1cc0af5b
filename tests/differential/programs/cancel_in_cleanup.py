"""A second request reaches a cleanup that awaits."""

import asyncio

from pair import event


async def work():
    try:
        await asyncio.sleep(10)
    finally:
        event("cleanup begins")
        try:
            await asyncio.sleep(10)
        finally:
            event("cleanup is interrupted")


async def main():
    task = asyncio.create_task(work())
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.sleep(1)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        event("over")
