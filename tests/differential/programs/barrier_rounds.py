"""A barrier lets its parties through together, again and again."""

import asyncio

from pair import event


async def worker(name, gate):
    for turn in (1, 2):
        index = await gate.wait()
        event(f"{name} turn {turn} as {index}")


async def main():
    gate = asyncio.Barrier(2)
    workers = [asyncio.create_task(worker(name, gate)) for name in "ab"]
    for each in workers:
        await each
    event(f"waiting {gate.n_waiting}")
