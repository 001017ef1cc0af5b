"""A future wakes its awaiters and runs its callbacks in the order in which they came."""

import asyncio

from pair import event


async def waiter(name, future):
    event(f"{name} got {await future}")


async def main():
    future = asyncio.get_running_loop().create_future()
    first = asyncio.create_task(waiter("first", future))
    await asyncio.sleep(0)
    future.add_done_callback(lambda _: event("callback"))
    second = asyncio.create_task(waiter("second", future))
    await asyncio.sleep(1)
    future.set_result(3)
    event("decided")
    await first
    await second
    try:
        future.set_result(4)
    except asyncio.InvalidStateError:
        event("it is decided already")
