"""When the time is up, the work is cancelled, and its cleanup is waited for."""

import asyncio

from pair import event


async def work():
    try:
        await asyncio.sleep(10)
    finally:
        await asyncio.sleep(2)
        event("cleaned up")


async def main():
    try:
        await asyncio.wait_for(work(), 1)
    except TimeoutError:
        event("timeout")
