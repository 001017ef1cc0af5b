"""The operations of generated programs that wait, over asyncio.

A part of interpret.py's World; interpreter/waiting_operations.cpp and sharing_operations.cpp are
the same over Mayhem.
"""

import asyncio
import contextlib

from errors import CATCHES, describe
from language import number


class WaitingOperations:

    async def do_sleep(self, node, frame):
        await asyncio.sleep(number(node.args[0]))
        self.tell(node, frame, "over")

    async def do_await(self, node, frame):
        handle = self.handles.get(node.args[0])
        self.tell(node, frame, "is not there" if handle is None else await handle)

    def item(self, node):
        """What `ref` and `coro` lines stand for; None when the reference leads nowhere."""
        if node.op == "ref":
            return self.handles.get(node.args[0])
        return self.body(node.args[0], node.children)

    def items(self, node):
        """Beside references, coroutines are made tasks first: C++ has them in one vector."""
        found = [self.item(child) for child in node.children]
        if any(child.op == "ref" for child in node.children):
            found = [asyncio.create_task(each) if asyncio.iscoroutine(each) else each
                     for each in found]
        return [each for each in found if each is not None]

    async def do_gather(self, node, frame):
        results = await asyncio.gather(*self.items(node))
        self.say(frame.name, "gather " + " ".join(map(str, results)))

    async def do_collect(self, node, frame):
        results = await asyncio.gather(*self.items(node), return_exceptions=True)
        words = [describe(each, self.kit) if isinstance(each, BaseException) else str(each)
                 for each in results]
        self.say(frame.name, "collect " + " ".join(words))

    async def do_wait(self, node, frame):
        names = [name for name in dict.fromkeys(node.args[2:]) if name in self.handles]
        if not names:
            return self.say(frame.name, "wait nothing")
        modes = {"all": asyncio.ALL_COMPLETED, "first": asyncio.FIRST_COMPLETED,
                 "exception": asyncio.FIRST_EXCEPTION}
        handles = [self.handles[name] for name in names]
        done, _ = await asyncio.wait(handles, timeout=number(node.args[1]),
                                     return_when=modes[node.args[0]])
        words = [f"{name}:{'done' if handle in done else 'pending'}"
                 for name, handle in zip(names, handles)]
        self.say(frame.name, "wait " + " ".join(words))

    async def do_each(self, node, frame):
        left = number(node.args[1])
        stream = self.kit.as_completed(self.items(node), timeout=number(node.args[0]))
        with contextlib.closing(stream):
            for coming in stream:
                if left == 0:
                    coming.close()
                    break
                left -= 1
                try:
                    self.say(frame.name, f"each {await coming}")
                except Exception as error:
                    self.say(frame.name, "each " + describe(error, self.kit))

    async def do_wait_for(self, node, frame):
        item = self.item(node.children[0])
        if item is None:
            return self.say(frame.name, "wait_for nothing")
        result = await self.kit.wait_for(item, number(node.args[0]))
        self.say(frame.name, f"wait_for {result}")

    async def do_shield(self, node, frame):
        item = self.item(node.children[0])
        if item is None:
            return self.say(frame.name, "shield nothing")
        outer = asyncio.shield(item)
        if outer is not item:
            outer.holds_value = True
        self.say(frame.name, f"shield {await outer}")

    async def do_timeout(self, node, frame):
        outer = frame.limit
        scope = self.kit.timeout(number(node.args[0]))
        try:
            async with scope:
                frame.limit = scope
                return await self.block(node.children, frame)
        finally:
            frame.limit = outer
            self.tell(node, frame, "expired" if scope.expired() else "kept")

    async def do_group(self, node, frame):
        name = node.args[0]
        try:
            async with self.kit.TaskGroup() as group:
                self.groups[name] = group
                return await self.block(node.children, frame)
        finally:
            if self.groups[name] is group:  # under `repeat` there may be several
                self.groups[name] = None
            self.tell(node, frame, "over")

    async def do_hold(self, node, frame):
        """`with` a lock, semaphore or condition."""
        async with self.objects[node.args[0]]:
            self.tell(node, frame, "held")
            return await self.block(node.children, frame)

    async def do_event_wait(self, node, frame):
        await self.objects[node.args[0]].wait()
        self.tell(node, frame, "seen")

    async def do_condition_wait(self, node, frame):
        await self.objects[node.args[0]].wait()
        self.tell(node, frame, "notified")

    async def do_barrier_wait(self, node, frame):
        self.tell(node, frame, await self.objects[node.args[0]].wait())

    async def do_barrier_reset(self, node, frame):
        await self.objects[node.args[0]].reset()
        self.tell(node, frame, "over")

    async def do_barrier_abort(self, node, frame):
        await self.objects[node.args[0]].abort()
        self.tell(node, frame, "over")

    async def do_put(self, node, frame):
        await self.objects[node.args[0]].put(number(node.args[1]))
        self.tell(node, frame, "over")

    async def do_get(self, node, frame):
        self.tell(node, frame, await self.objects[node.args[0]].get())

    async def do_join(self, node, frame):
        await self.objects[node.args[0]].join()
        self.tell(node, frame, "over")

    async def do_repeat(self, node, frame):
        for _ in range(number(node.args[0])):
            if await self.block(node.children, frame):
                return True

    async def do_try(self, node, frame):
        """Children: `body`, then any of `catch KIND swallow|reraise`, `finally`."""
        body = node.children[0]
        catch = next((child for child in node.children if child.op == "catch"), None)
        last = next((child for child in node.children if child.op == "finally"), None)
        try:
            return await self.guarded(body, catch, frame)
        finally:
            if last is not None:
                self.say(frame.name, "finally")
                await self.block(last.children, frame)

    async def guarded(self, body, catch, frame):
        try:
            return await self.block(body.children, frame)
        except GeneratorExit:
            raise
        except CATCHES[catch.args[0]] if catch else () as error:
            self.say(frame.name, "caught " + describe(error, self.kit))
            if await self.block(catch.children, frame):
                return True
            if catch.args[1] == "reraise":
                raise
