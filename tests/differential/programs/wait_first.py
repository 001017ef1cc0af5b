"""FIRST_COMPLETED ends with the first; the others go on."""

import asyncio

from pair import event


async def work(name, seconds):
    await asyncio.sleep(seconds)
    event(f"{name} ends")


async def main():
    tasks = [asyncio.create_task(work("slow", 2)), asyncio.create_task(work("fast", 1))]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    event(f"{len(done)} done, {len(pending)} pending")
    await tasks[0]
