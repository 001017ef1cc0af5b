"""The pipeline in asyncio."""

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

import python_peer  # noqa: E402
from python_peer import case  # noqa: E402

BATCH = 1000
QUEUE_SIZE = 64


async def step(_message, yields):
    if yields:
        await asyncio.sleep(0)


async def handle(message, messages, yields):
    await asyncio.gather(step(message, yields), step(message, yields))
    messages.task_done()


async def consume(messages, yields, running):
    while True:
        message = await messages.get()
        task = asyncio.create_task(handle(message, messages, yields))
        running.add(task)  # the loop alone does not keep a task alive
        task.add_done_callback(running.discard)


async def publish(iterations, yields):
    messages = asyncio.Queue(QUEUE_SIZE)
    consumer = asyncio.create_task(consume(messages, yields, set()))
    for _ in range(iterations):
        for number in range(BATCH):
            await messages.put(number)
        await messages.join()
    consumer.cancel()


@case("straight", operations=lambda _: BATCH)
async def straight(iterations, _):
    await publish(iterations, False)


@case("yielding", operations=lambda _: BATCH)
async def yielding(iterations, _):
    await publish(iterations, True)


if __name__ == "__main__":
    python_peer.main()
