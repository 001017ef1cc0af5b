"""When the cleanup raises, that is what the task ends with."""

import asyncio

from pair import event


async def work():
    try:
        await asyncio.sleep(10)
    finally:
        raise ValueError("from the cleanup")


async def main():
    task = asyncio.create_task(work())
    await asyncio.sleep(1)
    task.cancel()
    try:
        await task
    except ValueError as error:
        event(f"{error}; cancelled {task.cancelled()}")
