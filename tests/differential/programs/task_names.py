"""A task has the name that it was given, and can be renamed."""

import asyncio

from pair import event


async def who():
    event(f"I am {asyncio.current_task().get_name()}")
    await asyncio.sleep(0)
    event(f"I am {asyncio.current_task().get_name()}")


async def main():
    task = asyncio.create_task(who(), name="one")
    await asyncio.sleep(0)
    task.set_name("two")
    await task
    event(task.get_name())
