"""The operations of generated programs that do not wait, over asyncio.

A part of interpret.py's World; interpreter/plain_operations.cpp is the same over Mayhem.
"""

import asyncio

from errors import Boom, describe
from language import number


class Frame:
    """What belongs to one body: its name, its result, its innermost timeout."""

    __slots__ = ("name", "value", "limit")

    def __init__(self, name, limit=None):
        self.name = name
        self.value = 0
        self.limit = limit


class PlainOperations:
    def tell(self, node, frame, what):
        self.say(frame.name, f"{node.op} {node.args[0]} {what}")

    def do_say(self, node, frame):
        self.say(frame.name, f"says {node.args[0]}")

    def do_raise(self, node, frame):
        raise Boom(node.args[0])

    def do_spawn(self, node, frame):
        name = node.args[0]
        task = asyncio.create_task(self.body(name, node.children))
        self.handles[name] = task
        self.spawned.append(task)

    def do_join_group(self, node, frame):
        group = self.groups.get(node.args[0])
        if group is None:
            return self.tell(node, frame, "is not there")
        task = group.create_task(self.body(node.args[1], node.children))
        self.handles[node.args[1]] = task
        self.spawned.append(task)

    def do_cancel(self, node, frame):
        handle = self.handles.get(node.args[0])
        self.tell(node, frame, "is not there" if handle is None else
                  "yes" if handle.cancel() else "no")

    def do_cancel_self(self, node, frame):
        asyncio.current_task().cancel()

    def do_uncancel(self, node, frame):
        self.say(frame.name, f"uncancel {asyncio.current_task().uncancel()}")

    def do_status(self, node, frame):
        handle = self.handles.get(node.args[0])
        if handle is None:
            return self.tell(node, frame, "is not there")
        state = "pending" if not handle.done() else "cancelled" if handle.cancelled() else "done"
        requests = handle.cancelling() if node.args[0][0] == "t" else 0
        self.tell(node, frame, f"{state} {requests}")

    def do_set(self, node, frame):
        self.objects[node.args[0]].set()

    def do_clear(self, node, frame):
        self.objects[node.args[0]].clear()

    def do_resolve(self, node, frame):
        self.handles[node.args[0]].set_result(number(node.args[1]))

    def do_fail(self, node, frame):
        self.handles[node.args[0]].set_exception(Boom(node.args[1]))

    def do_put_nowait(self, node, frame):
        self.objects[node.args[0]].put_nowait(number(node.args[1]))

    def do_get_nowait(self, node, frame):
        self.tell(node, frame, self.objects[node.args[0]].get_nowait())

    def do_task_done(self, node, frame):
        self.objects[node.args[0]].task_done()

    def do_size(self, node, frame):
        queue = self.objects[node.args[0]]
        self.tell(node, frame, f"{queue.qsize()} {'full' if queue.full() else 'open'}")

    def do_shutdown(self, node, frame):
        self.objects[node.args[0]].shutdown(node.args[1] == "now")

    def do_locked(self, node, frame):
        self.tell(node, frame, "yes" if self.objects[node.args[0]].locked() else "no")

    def do_release(self, node, frame):
        self.objects[node.args[0]].release()

    def do_notify(self, node, frame):
        self.objects[node.args[0]].notify(number(node.args[1]))

    def do_reschedule(self, node, frame):
        if frame.limit is None:
            return self.tell(node, frame, "no limit")
        delay = number(node.args[0])
        frame.limit.reschedule(None if delay is None else self.loop.time() + delay)

    def do_soon(self, node, frame):
        self.alarms[node.args[0]] = self.loop.call_soon(self.callback, node)

    def do_later(self, node, frame):
        delay = number(node.args[1])
        self.alarms[node.args[0]] = self.loop.call_later(delay, self.callback, node)

    def do_unschedule(self, node, frame):
        alarm = self.alarms.get(node.args[0])
        if alarm is not None:
            alarm.cancel()

    def do_when_done(self, node, frame):
        handle = self.handles.get(node.args[0])
        if handle is not None:
            handle.add_done_callback(lambda _: self.callback(node))

    def callback(self, node):
        frame = Frame(node.op + "-" + node.args[0])
        try:
            self.say(frame.name, "runs")
            for child in node.children:
                getattr(self, "do_" + child.op)(child, frame)
        except Exception as error:
            self.say(frame.name, "raised " + describe(error, self.kit))
