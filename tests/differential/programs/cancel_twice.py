"""Two requests before the task runs are one exception, and two in the count."""

import asyncio

from pair import event


async def work():
    for attempt in (1, 2):
        try:
            await asyncio.sleep(1)
            event(f"attempt {attempt} slept")
        except asyncio.CancelledError:
            event(f"attempt {attempt} cancelled")


async def main():
    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    task.cancel()
    event(f"cancelling {task.cancelling()}")
    await task
