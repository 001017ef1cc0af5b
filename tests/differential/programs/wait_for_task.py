"""A task that is waited for is cancelled when the time is up; behind a shield it goes on."""

import asyncio

from pair import event


async def work(name):
    try:
        await asyncio.sleep(3)
        event(f"{name} ends")
    except asyncio.CancelledError:
        event(f"{name} cancelled")
        raise


async def main():
    for name, protect in (("bare", False), ("shielded", True)):
        task = asyncio.create_task(work(name))
        try:
            await asyncio.wait_for(asyncio.shield(task) if protect else task, 1)
        except TimeoutError:
            event(f"{name}: timeout, done {task.done()}")
    await task
