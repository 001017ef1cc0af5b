"""asyncio's own event loop with a virtual clock, and without the system below it.

Why it is here: traces can be compared only if time is the same on both sides. Time stands still
while anything can run, and jumps to the next timer when nothing can, as the C++ loop's virtual
clock does. The iteration is asyncio's (BaseEventLoop._run_once); only the selector is replaced.

What asyncio leaves open is decided as in the C++ loop: timers with equal deadlines run in the order
in which they were made (asyncio keeps them in a heap without a second key).

It refuses to know sockets, signals and threads.
"""

import asyncio
import heapq
import itertools


class Deadlock(Exception):
    """Nothing is ready, no timer is set: nothing can ever happen again."""


class OrderedTimer(asyncio.TimerHandle):
    """A timer that remembers when it was made."""

    __slots__ = ("_sequence",)

    def __lt__(self, other):
        if self._when != other._when:
            return self._when < other._when
        return self._sequence < other._sequence


class Future(asyncio.Future):
    """A future that can be marked: `holds_value` is read by intended.py."""

    holds_value = False


class _Selector:
    """Stands where the selector waits for the system."""

    def __init__(self, loop):
        self._loop = loop

    def select(self, timeout):
        if timeout is None:
            raise Deadlock
        if timeout > 0:
            self._loop.jump()
        return ()


class VirtualLoop(asyncio.BaseEventLoop):
    """A fresh one for each program. `task_type` makes its tasks."""

    def __init__(self, task_type):
        super().__init__()
        self._selector = _Selector(self)
        self._now = 0.0
        self._sequence = itertools.count()
        self.set_task_factory(lambda loop, coro, **more: task_type(coro, loop=loop, **more))

    def time(self):
        return self._now

    def jump(self):
        self._now = max(self._now, self._scheduled[0]._when)

    def create_future(self):
        return Future(loop=self)

    def call_at(self, when, callback, *args, context=None):
        self._check_closed()
        timer = OrderedTimer(when, callback, args, self, context)
        timer._sequence = next(self._sequence)
        heapq.heappush(self._scheduled, timer)
        timer._scheduled = True
        return timer

    def _process_events(self, event_list):
        pass
