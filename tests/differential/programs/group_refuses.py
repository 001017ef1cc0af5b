"""A group that shuts down takes no new tasks."""

import asyncio

from pair import event


async def fail():
    raise ValueError("no")


async def late():
    event("this is never said")


async def main():
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())
            try:
                await asyncio.sleep(10)
            finally:
                try:
                    group.create_task(late())
                except RuntimeError:
                    event("refused")
    except ExceptionGroup as errors:
        event(f"raised {len(errors.exceptions)}")
