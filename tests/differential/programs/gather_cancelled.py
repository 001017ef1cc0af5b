"""Cancelling who awaits a gather cancels every child; the first of them ends the gather."""

import asyncio

from pair import event


async def child(name, cleanup):
    try:
        await asyncio.sleep(10)
    finally:
        await asyncio.sleep(cleanup)
        event(f"{name} ends")


async def parent():
    try:
        await asyncio.gather(child("slow", 2), child("fast", 1))
    finally:
        event("parent ends")


async def main():
    task = asyncio.create_task(parent())
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.wait([task])
    await asyncio.sleep(5)
