"""Results come in the order of the arguments, whoever is ready first."""

import asyncio

from pair import event


async def work(seconds):
    await asyncio.sleep(seconds)
    event(f"{seconds} ready")
    return seconds


async def main():
    a, b, c = await asyncio.gather(work(3), work(1), work(2))
    event(f"results {a} {b} {c}")
