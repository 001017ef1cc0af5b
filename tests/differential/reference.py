"""asyncio as Python 3.13 documents it, for the Python 3.11 that runs here.

Why it is here: the C++ library follows the newest asyncio. Where 3.12 or 3.13 mended or changed
something that traces can show, this file brings the behaviour to 3.11, written from the
documentation and the change log. Each entry says since when and what. Everything that is not in
this file is the unchanged asyncio of the Python that runs.

It also decides what asyncio leaves to the order of sets: tasks of a group are cancelled, and
as_completed looks at its arguments, in the order in which they came.
"""

import asyncio
from asyncio import tasks


class QueueShutDown(Exception):
    """New in 3.13."""


class Task(tasks._PyTask):
    """3.13: uncancel() down to zero also takes back a cancellation that was not raised yet."""

    def uncancel(self):
        left = super().uncancel()
        if left == 0:
            self._must_cancel = False
        return left


class Timeout:
    """3.11.3: requests to cancel that were there before the scope do not count as foreign."""

    def __init__(self, when):
        self._when = when
        self._alarm = None
        self._state = "created"

    def when(self):
        return self._when

    def expired(self):
        return self._state in ("expiring", "expired")

    def reschedule(self, when):
        if self._state != "active":
            raise RuntimeError("not active")
        self._when = when
        self._disarm()
        if when is None:
            return
        loop = asyncio.get_running_loop()
        if when <= loop.time():
            self._alarm = loop.call_soon(self._ring)
        else:
            self._alarm = loop.call_at(when, self._ring)

    def _disarm(self):
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _ring(self):
        self._task.cancel()
        self._state = "expiring"
        self._alarm = None

    async def __aenter__(self):
        self._task = asyncio.current_task()
        self._requests_before = self._task.cancelling()
        self._state = "active"
        self.reschedule(self._when)
        return self

    async def __aexit__(self, kind, error, trace):
        self._disarm()
        if self._state == "active":
            self._state = "exited"
            return
        self._state = "expired"
        only_ours = self._task.uncancel() <= self._requests_before
        if only_ours and kind is asyncio.CancelledError:
            raise TimeoutError from error


def timeout(delay):
    loop = asyncio.get_running_loop()
    return Timeout(None if delay is None else loop.time() + delay)


_wait_no_longer = asyncio.wait_for  # for delays <= 0 it is unchanged


async def wait_for(awaitable, delay):
    """3.12: the awaitable runs in the current task, under a timeout."""
    if delay is not None and delay <= 0:
        return await _wait_no_longer(awaitable, delay)
    async with timeout(delay):
        return await awaitable


class InOrder(dict):
    """The part of a set that TaskGroup uses, in order of insertion."""

    def add(self, item):
        self[item] = None

    def discard(self, item):
        self.pop(item, None)


class TaskGroup(asyncio.TaskGroup):
    """3.13: the group's own request to cancel its parent is taken back when the children have
    ended, not before; and a group that fails while somebody else cancels its parent renews that
    request, so that the next await raises it."""

    def __init__(self):
        super().__init__()
        self._tasks = InOrder()

    def create_task(self, coro, **more):
        try:
            return super().create_task(coro, **more)
        except RuntimeError:
            coro.close()
            raise

    async def __aexit__(self, kind, error, trace):
        self._exiting = True
        cancelled_by = error if kind is asyncio.CancelledError else None
        if kind is not None and not self._aborting:
            self._abort()
        while self._tasks:
            self._on_completed_fut = self._loop.create_future()
            try:
                await self._on_completed_fut
            except asyncio.CancelledError as request:
                if not self._aborting:
                    cancelled_by = request
                    self._abort()
            self._on_completed_fut = None
        parent = self._parent_task
        if self._parent_cancel_requested and parent.uncancel() == 0:
            cancelled_by = None
        if cancelled_by is not None and not self._errors:
            raise cancelled_by
        if kind is not None and kind is not asyncio.CancelledError:
            self._errors.append(error)
        if self._errors:
            if parent.cancelling():
                parent.uncancel()
                parent.cancel()
            raise BaseExceptionGroup("unhandled errors in a TaskGroup", self._errors) from None


class Condition(asyncio.Condition):
    """3.13: a waiter that leaves with an error notifies somebody else in its place."""

    async def wait(self):
        if not self.locked():
            raise RuntimeError("cannot wait on un-acquired lock")
        self.release()
        stopped = None
        place = self._get_loop().create_future()
        self._waiters.append(place)
        try:
            await place
        except asyncio.CancelledError as request:
            stopped = request
        self._waiters.remove(place)
        held = False
        while not held:
            try:
                held = await self.acquire()
            except asyncio.CancelledError as request:
                stopped = request
        if stopped is not None:
            if self.passes_on(place):
                self.notify(1)
            raise stopped
        return True

    def passes_on(self, place):
        """Whether somebody else is notified instead; intended.py has another answer."""
        return True


class Barrier(asyncio.Barrier):
    """Stands on a condition, and so has that one's change."""

    def __init__(self, parties):
        super().__init__(parties)
        self._cond = Condition()


class Semaphore(asyncio.Semaphore):
    """3.12: a waiter that leaves, for whatever reason, wakes as many as there are permits for."""

    async def acquire(self):
        try:
            return await super().acquire()
        finally:
            self._wake_all_possible()

    def _wake_all_possible(self):
        while self._value > 0 and any(not waiter.done() for waiter in self._waiters or ()):
            self._wake_up_next()


class _Shutdown:
    """3.13: Queue.shutdown."""

    _is_shut_down = False

    async def put(self, item):
        while self.full():
            self._refuse_after_shutdown()
            await self._wait_in(self._putters, lambda: not self.full())
        return self.put_nowait(item)

    async def get(self):
        while self.empty():
            self._refuse_after_shutdown()
            await self._wait_in(self._getters, lambda: not self.empty())
        return self.get_nowait()

    async def _wait_in(self, line, can_go_on):
        place = self._get_loop().create_future()
        line.append(place)
        try:
            await place
        except BaseException:
            place.cancel()
            if place in line:
                line.remove(place)
            if can_go_on() and not place.cancelled():
                self._wakeup_next(line)
            raise

    def put_nowait(self, item):
        self._refuse_after_shutdown()
        super().put_nowait(item)

    def get_nowait(self):
        if self.empty():
            self._refuse_after_shutdown()
        return super().get_nowait()

    def _refuse_after_shutdown(self):
        if self._is_shut_down:
            raise QueueShutDown

    def shutdown(self, immediate=False):
        self._is_shut_down = True
        if immediate:
            while not self.empty():
                self._get()
                self._unfinished_tasks = max(0, self._unfinished_tasks - 1)
            if self._unfinished_tasks == 0:
                self._finished.set()
        for line in (self._getters, self._putters):
            while line:
                place = line.popleft()
                if not place.done():
                    place.set_result(None)


class Queue(_Shutdown, asyncio.Queue):
    pass


class LifoQueue(_Shutdown, asyncio.LifoQueue):
    pass


class PriorityQueue(_Shutdown, asyncio.PriorityQueue):
    pass


def as_completed(items, *, timeout=None, keeps_alarm=True):
    """Its arguments are looked at in order (asyncio puts them into a set first). `keeps_alarm` is
    for intended.py: what happens to the timer when the caller loses interest."""
    loop = asyncio.get_running_loop()
    waiting = InOrder()
    for item in items:
        waiting.add(asyncio.ensure_future(item))
    arrived = asyncio.Queue()
    alarm = None

    def on_done(done):
        if done not in waiting:
            return
        waiting.discard(done)
        arrived.put_nowait(done)
        if not waiting and alarm is not None:
            alarm.cancel()

    def on_timeout():
        for _ in waiting:
            arrived.put_nowait(None)
        waiting.clear()

    async def next_one():
        done = await arrived.get()
        if done is None:
            raise TimeoutError
        return done.result()

    for item in list(waiting):
        item.add_done_callback(on_done)
    if waiting and timeout is not None:
        alarm = loop.call_later(timeout, on_timeout)
    try:
        for _ in range(len(waiting)):
            yield next_one()
    finally:
        if alarm is not None and not keeps_alarm:
            alarm.cancel()


Lock = asyncio.Lock  # unchanged
Event = asyncio.Event  # unchanged
