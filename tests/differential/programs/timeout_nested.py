"""When both limits have passed, only the outer one converts; the inner lets the request pass."""

import asyncio

from pair import event


async def main():
    try:
        async with asyncio.timeout(1) as outer:
            try:
                async with asyncio.timeout(1) as inner:
                    await asyncio.sleep(10)
            except TimeoutError:
                event("inner converts")
    except TimeoutError:
        event("outer converts")
    event(f"expired {outer.expired()} {inner.expired()}")
