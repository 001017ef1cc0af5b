"""Awaiting a finished task does not let anybody else run."""

import asyncio

from pair import event


async def work(name):
    event(f"{name} runs")
    return 1


async def main():
    task = asyncio.create_task(work("first"))
    await task
    other = asyncio.create_task(work("second"))
    event(f"again {await task}")
    await other
