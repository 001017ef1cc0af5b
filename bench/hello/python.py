"""The smallest program that runs a coroutine on asyncio, or on uvloop."""

import asyncio
import os


async def hello():
    return 0


if os.environ.get("BENCH_LOOP") == "uvloop":
    import uvloop
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(hello())
else:
    asyncio.run(hello())
