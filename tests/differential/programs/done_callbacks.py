"""Done callbacks run on the tick after the end, in order; on a finished task, on the next tick."""

import asyncio

from pair import event


async def work():
    await asyncio.sleep(1)
    event("work ends")


async def main():
    task = asyncio.create_task(work())
    task.add_done_callback(lambda _: event("first callback"))
    task.add_done_callback(lambda _: event("second callback"))
    await task
    event("awaited")
    task.add_done_callback(lambda _: event("late callback"))
    event("added")
    await asyncio.sleep(0)
