"""Where Mayhem differs from asyncio on purpose, as rules that change the Python side.

Why it is here: a difference that is wanted is still to be checked. A trace that is not asyncio's
must be, to the letter, what asyncio would give with one of these rules (or several) applied.
compare.py counts the programs that each rule explains; whatever none of them explains is an error.
README.md gives the reason for each rule.
"""

import asyncio
import collections.abc
import functools
import itertools
import types
from asyncio import tasks

import reference


# ---- No result is lost ----------------------------------------------------------------------


class _Body(collections.abc.Coroutine):
    """The coroutine of a KeepingTask, with an ear at both ends of each step."""

    def __init__(self, coro):
        self._coro = coro
        self.task = None
        self.cancel_later = False

    def send(self, value):
        return self._step(self._coro.send, value)

    def throw(self, *error):
        return self._step(self._coro.throw, *error)

    def _step(self, resume, *arguments):
        if self.cancel_later:
            self.cancel_later = False
            self.task._must_cancel = True  # the next await raises it
        try:
            return resume(*arguments)
        except StopIteration:
            self.task._must_cancel = False  # the value of a task is not given up, either
            raise

    def close(self):
        self._coro.close()

    def __await__(self):
        return self._coro.__await__()


class KeepingTask(reference.Task):
    """A task that is cancelled when what it awaits has its result already, but before it could take
    it: asyncio drops the result (or the error) and raises CancelledError; here the result is
    delivered, and the cancellation is raised by the next await that suspends. A task that ends
    before such an await keeps its value."""

    def __init__(self, coro, **more):
        self._body = _Body(coro)
        self._body.task = self
        super().__init__(self._body, **more)

    def _Task__wakeup(self, awaited):
        if self._must_cancel and _holds_value(awaited) and not _is_cancelled(awaited):
            self._must_cancel = False
            self._body.cancel_later = True
        super()._Task__wakeup(awaited)


def _holds_value(awaited):
    is_task = isinstance(awaited, (tasks._PyTask, tasks._GatheringFuture))
    return is_task or getattr(awaited, "holds_value", False)


def _is_cancelled(awaited):
    """A gather that is cancelled is not `cancelled()`, but has CancelledError for its error."""
    return awaited.cancelled() or isinstance(awaited.exception(), asyncio.CancelledError)


# ---- No barging ------------------------------------------------------------------------------


class _Promises:
    """A queue in which waking somebody up is a promise. asyncio wakes a getter and leaves the item
    where everybody can take it; whoever comes before the getter runs takes it, and the getter
    stands at the end of the line again. Here the item is the getter's, and a free slot is the
    putter's: nobody else sees them, and they pass on when their owner is cancelled."""

    def __init__(self, maxsize=0):
        super().__init__(maxsize)
        self._promised_items = 0
        self._promised_slots = 0

    def qsize(self):
        return max(0, len(self._queue) - self._promised_items)

    def empty(self):
        return self.qsize() == 0

    def full(self):
        return 0 < self._maxsize <= len(self._queue) + self._promised_slots

    async def get(self):
        if self._is_shut_down or not self.empty():
            return self.get_nowait()
        promised = await self._stand_in(self._getters)
        self._promised_items -= promised
        if not promised or not self._queue:
            raise reference.QueueShutDown
        return self._take()

    async def put(self, item):
        if self._is_shut_down or not self.full():
            return self.put_nowait(item)
        promised = await self._stand_in(self._putters)
        self._promised_slots -= promised
        if self._is_shut_down:
            raise reference.QueueShutDown
        self._insert(item)

    async def _stand_in(self, line):
        """Waits in line; True when something was promised. Cancelled, it passes a promise on."""
        place = self._get_loop().create_future()
        line.append(place)
        try:
            return await place
        except asyncio.CancelledError:
            if place in line:
                line.remove(place)
            if not place.cancelled() and place.result():
                self._decline(line)
            raise

    def _decline(self, line):
        if line is self._getters:
            self._promised_items -= 1
            if not self.empty():
                self._promise(line)
        else:
            self._promised_slots -= 1
            if not self.full():
                self._promise(line)

    def _promise(self, line):
        while line:
            place = line.popleft()
            if not place.done():
                place.set_result(True)
                if line is self._getters:
                    self._promised_items += 1
                else:
                    self._promised_slots += 1
                return

    def get_nowait(self):
        if self.empty():
            raise reference.QueueShutDown if self._is_shut_down else asyncio.QueueEmpty
        return self._take()

    def put_nowait(self, item):
        if self._is_shut_down:
            raise reference.QueueShutDown
        if self.full():
            raise asyncio.QueueFull
        self._insert(item)

    def _take(self):
        item = self._get()
        self._promise(self._putters)
        return item

    def _insert(self, item):
        self._put(item)
        self._unfinished_tasks += 1
        self._finished.clear()
        self._promise(self._getters)

    def shutdown(self, immediate=False):
        self._is_shut_down = True
        if immediate:
            self._unfinished_tasks = max(0, self._unfinished_tasks - len(self._queue))
            self._queue.clear()
            if self._unfinished_tasks == 0:
                self._finished.set()
        for line in (self._getters, self._putters):
            while line:
                place = line.popleft()
                if not place.done():
                    place.set_result(False)


class PromisingQueue(_Promises, reference.Queue):
    pass


class PromisingLifoQueue(_Promises, reference.LifoQueue):
    pass


class PromisingPriorityQueue(_Promises, reference.PriorityQueue):
    pass


# ---- Notifications are neither lost nor made up ----------------------------------------------


class Condition(reference.Condition):
    """asyncio notifies somebody whenever a waiter leaves with an error, also when that waiter never
    was notified: others wake up for nothing. Here only a notification that was received passes
    on."""

    def passes_on(self, place):
        return not place.cancelled()


class Barrier(reference.Barrier):
    """Stands on a condition."""

    def __init__(self, parties):
        super().__init__(parties)
        self._cond = Condition()


# ---- Small ones -------------------------------------------------------------------------------


class Lock(reference.Lock):
    """A lock that is handed to a waiter counts as locked from then on. In asyncio `locked` is false
    until the waiter runs, although nobody else can have the lock."""

    def locked(self):
        waiters = self._waiters or ()
        return self._locked or any(each.done() and not each.cancelled() for each in waiters)


def as_completed(items, *, timeout=None):
    """A stream that is dropped takes its timer with it; in asyncio the timer stays."""
    return reference.as_completed(items, timeout=timeout, keeps_alarm=False)


RULES = {
    "no result is lost": {"Task": KeepingTask},
    "no barging": {"Queue": PromisingQueue, "LifoQueue": PromisingLifoQueue,
                   "PriorityQueue": PromisingPriorityQueue},
    "no made-up notification": {"Condition": Condition, "Barrier": Barrier},
    "handed over is locked": {"Lock": Lock},
    "no timer is left behind": {"as_completed": as_completed},
}
ALL = tuple(RULES)


@functools.lru_cache(maxsize=None)
def kit(rules):
    """The asyncio that programs run over: reference.py with the rules applied."""
    made = types.SimpleNamespace(**vars(reference))
    for rule in rules:
        for name, replacement in RULES[rule].items():
            setattr(made, name, replacement)
    return made


@functools.lru_cache(maxsize=None)
def combinations():
    """Every non-empty set of rules, the smallest first."""
    return [rules for size in range(1, len(ALL) + 1)
            for rules in itertools.combinations(ALL, size)]
