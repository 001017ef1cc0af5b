"""A task that creates tasks: the new ones stand behind those that are ready already."""

import asyncio

from pair import event


async def leaf(name):
    event(name)


async def branch(name):
    event(name)
    leaves = [asyncio.create_task(leaf(f"{name}.{index}")) for index in (1, 2)]
    event(f"{name} created")
    for each in leaves:
        await each


async def main():
    branches = [asyncio.create_task(branch(name)) for name in "ab"]
    for each in branches:
        await each
