"""Work that another thread hands to a loop of asyncio: call_soon_threadsafe."""

import asyncio
import os
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

import python_peer  # noqa: E402
from python_peer import case  # noqa: E402

BATCH = 1000


async def with_producer(produce):
    """Runs `produce` in a thread while this loop goes on."""
    loop = asyncio.get_running_loop()
    done = loop.create_future()

    def run():
        produce(loop)
        loop.call_soon_threadsafe(done.set_result, None)

    thread = threading.Thread(target=run)
    thread.start()
    await done
    thread.join()


@case("callables", operations=lambda _: BATCH)
async def callables(iterations, _):
    def nothing():
        pass

    def produce(loop):
        for _ in range(iterations * BATCH):
            loop.call_soon_threadsafe(nothing)
    await with_producer(produce)


@case("round_trip")
async def round_trip(iterations, _):
    bell = os.eventfd(0)

    def produce(loop):
        for _ in range(iterations):
            loop.call_soon_threadsafe(os.eventfd_write, bell, 1)
            os.eventfd_read(bell)
    await with_producer(produce)
    os.close(bell)


if __name__ == "__main__":
    python_peer.main()
