"""When the work itself is cancelled, who awaits the shield sees it."""

import asyncio

from pair import event


async def main():
    task = asyncio.create_task(asyncio.sleep(10))
    asyncio.get_running_loop().call_later(1, task.cancel)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        event(f"seen, cancelling {asyncio.current_task().cancelling()}")
