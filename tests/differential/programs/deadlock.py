"""When nothing can ever happen again, that is an end, and not a hang."""

import asyncio

from pair import event


async def waiter(name, flag):
    event(f"{name} waits")
    await flag.wait()


async def main():
    flag = asyncio.Event()
    task = asyncio.create_task(waiter("task", flag))
    await asyncio.sleep(1)
    event("nobody will set the flag")
    await task
