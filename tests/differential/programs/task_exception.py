"""What a task failed with is raised at every await of it."""

import asyncio

from pair import event


async def fail():
    await asyncio.sleep(1)
    raise RuntimeError("no")


async def main():
    task = asyncio.create_task(fail())
    for attempt in (1, 2):
        try:
            await task
        except RuntimeError as error:
            event(f"attempt {attempt}: {error}")
    event(f"done {task.done()}, cancelled {task.cancelled()}")
