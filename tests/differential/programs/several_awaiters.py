"""All who await one task go on in the order in which they came, on the tick after its end."""

import asyncio

from pair import event


async def work():
    await asyncio.sleep(1)
    return 7


async def waiter(name, task):
    event(f"{name} got {await task}")


async def main():
    task = asyncio.create_task(work())
    waiters = [asyncio.create_task(waiter(name, task)) for name in "abc"]
    for each in waiters:
        await each
    event(f"again {await task}")
