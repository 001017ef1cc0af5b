"""What a task costs in asyncio, from create_task to its end, with one turn of the loop between."""

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

import python_peer  # noqa: E402
from python_peer import case  # noqa: E402


class Left:
    """How many have not ended."""

    def __init__(self, count):
        self.count = count


async def child(left):
    await asyncio.sleep(0)
    left.count -= 1


async def spawn_and_forget(iterations, size):
    for _ in range(iterations):
        left = Left(size)
        for _ in range(size):
            asyncio.create_task(child(left))
        while left.count:
            await asyncio.sleep(0)


case("detached", sizes=(10, 100, 1000, 10_000))(spawn_and_forget)
case("cold", sizes=(1_000_000,), iterations=1)(spawn_and_forget)


@case("joined", sizes=(1000,))
async def spawn_joined(iterations, size):
    for _ in range(iterations):
        left = Left(size)
        tasks = [asyncio.create_task(child(left)) for _ in range(size)]
        for task in tasks:
            await task


if __name__ == "__main__":
    python_peer.main()
