"""What awaiting costs in asyncio: the cases of mayhem.cpp, on asyncio or uvloop."""

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

import python_peer  # noqa: E402
from python_peer import case  # noqa: E402


async def child(value):
    return value


async def chain(depth):
    if depth == 1:
        return 1
    return 1 + await chain(depth - 1)


@case("child")
async def await_children(iterations, _):
    for _ in range(iterations):
        await child(1)


@case("chain", sizes=(1, 10, 100, 1000))
async def await_chains(iterations, depth):
    sys.setrecursionlimit(10_000)
    for _ in range(iterations):
        await chain(depth)


@case("task")
async def await_tasks(iterations, _):
    for _ in range(iterations):
        await asyncio.create_task(child(1))


@case("turn")
async def await_turns(iterations, _):
    for _ in range(iterations):
        await asyncio.sleep(0)


@case("callback")
async def callback(iterations, _):
    loop = asyncio.get_running_loop()
    done = loop.create_future()

    def repeated(left):
        if left == 0:
            done.set_result(None)
        else:
            loop.call_soon(repeated, left - 1)

    repeated(iterations)
    await done


if __name__ == "__main__":
    python_peer.main()
