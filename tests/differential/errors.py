"""The words that both interpreters have for errors; describe() in world.cpp is its twin."""

import asyncio


class Boom(Exception):
    """What `raise` raises."""


def describe(error, kit):
    """The words that both interpreters have for an error."""
    if isinstance(error, Boom):
        return f"boom-{error}"
    if isinstance(error, BaseExceptionGroup):
        return "group(" + ",".join(describe(each, kit) for each in error.exceptions) + ")"
    names = {asyncio.CancelledError: "cancelled", TimeoutError: "timeout",
             asyncio.QueueEmpty: "queue-empty", asyncio.QueueFull: "queue-full",
             kit.QueueShutDown: "queue-shutdown", asyncio.BrokenBarrierError: "broken-barrier",
             asyncio.InvalidStateError: "invalid-state"}
    if type(error) in names:
        return names[type(error)]
    if isinstance(error, (RuntimeError, ValueError)):
        return "misuse"
    return f"{type(error).__name__}: {error}"


CATCHES = {"cancelled": asyncio.CancelledError, "timeout": TimeoutError, "error": Exception,
           "any": BaseException}
