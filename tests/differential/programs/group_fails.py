"""When a task fails, its siblings and the body are cancelled; all that failed is raised as one."""

import asyncio

from pair import event


async def work(name):
    try:
        await asyncio.sleep(10)
    finally:
        event(f"{name} leaves")


async def fail(text):
    await asyncio.sleep(1)
    raise ValueError(text)


async def main():
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(work("sibling"))
            group.create_task(fail("one"))
            group.create_task(fail("two"))
            await work("body")
    except ExceptionGroup as errors:
        event(f"raised {len(errors.exceptions)}")
    event(f"cancelling {asyncio.current_task().cancelling()}")
