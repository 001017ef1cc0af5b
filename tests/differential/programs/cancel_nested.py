"""The innermost coroutine hears of the cancellation first."""

import asyncio

from pair import event


async def inner():
    try:
        await asyncio.sleep(10)
    finally:
        event("inner leaves")


async def outer():
    try:
        await inner()
    finally:
        event("outer leaves")


async def main():
    task = asyncio.create_task(outer())
    await asyncio.sleep(1)
    task.cancel()
    event("asked")
    try:
        await task
    except asyncio.CancelledError:
        event("main saw it")
