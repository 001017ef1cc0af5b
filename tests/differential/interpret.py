"""Runs a generated program over asyncio and gives its trace, a list of lines `TIME WHO WHAT`.

Why it is here: one of the two interpreters whose traces must be equal; the other is C++, in
interpreter/. An operation says what came of it when it has ended; an operation that raises says
nothing, and the error is seen where it is caught, or at the end of its task.

Which asyncio it runs over is a parameter (`kit`): reference.py, or intended.py.
"""

import asyncio
import gc
import sys

from errors import describe
from language import number
from plain_operations import Frame, PlainOperations
from virtual_loop import Deadlock, VirtualLoop
from waiting_operations import WaitingOperations

sys.unraisablehook = lambda what: None  # what is left at the end of a program is nobody's concern


class World(PlainOperations, WaitingOperations):
    """One program while it runs."""

    def __init__(self, program, kit):
        self.program = program
        self.kit = kit
        self.trace = []
        self.muted = False
        self.alive = {}
        self.spawned = []
        self.handles = {}
        self.objects = {}
        self.groups = {}
        self.alarms = {}
        self.results = {}

    def say(self, name, text):
        if not self.muted:
            self.trace.append(f"{self.loop.time():g} {name} {text}")

    # ---- The whole program --------------------------------------------------------------

    def run(self):
        self.loop = VirtualLoop(self.kit.Task)
        self.loop.set_exception_handler(lambda loop, context: None)
        try:
            self.loop.run_until_complete(self.harness())
            self.say("loop", "finished")
        except Deadlock:
            self.say("loop", " ".join(["deadlock", *self.alive]))
        self.muted = True
        self.loop.close()
        return self.trace

    async def harness(self):
        """Runs main, then cancels what it left behind, in order, and waits for that."""
        for node in self.program.children[:-1]:
            self.declare(node)
        main = asyncio.create_task(self.body("main", self.program.children[-1].children))
        await asyncio.wait([main])
        left = [task for task in self.spawned if not task.done()]
        self.say("loop", f"closing {len(left)}")
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left)

    def declare(self, node):
        kit, size = self.kit, number(node.args[1]) if len(node.args) > 1 else None
        makers = {"lock": kit.Lock, "event": kit.Event, "condition": kit.Condition,
                  "semaphore": lambda: kit.Semaphore(size), "barrier": lambda: kit.Barrier(size),
                  "fifo": lambda: kit.Queue(size), "lifo": lambda: kit.LifoQueue(size),
                  "priority": lambda: kit.PriorityQueue(size), "future": self.make_future}
        made = makers[node.op]()
        (self.handles if node.op == "future" else self.objects)[node.args[0]] = made

    def make_future(self):
        made = self.loop.create_future()
        made.holds_value = True
        return made

    async def body(self, name, nodes, limit=None):
        """The body of a task, or of a coroutine that is awaited in place."""
        frame = Frame(name, limit)
        self.alive[name] = None
        self.say(name, "starts")
        try:
            await self.block(nodes, frame)
            self.say(name, f"ends {frame.value}")
            return frame.value
        except BaseException as error:
            self.say(name, "ends by " + describe(error, self.kit))
            raise
        finally:
            self.alive.pop(name, None)

    async def block(self, nodes, frame):
        """True when the body is to end (`return`)."""
        for node in nodes:
            if self.muted:  # the program is over, and this frame is being thrown away
                return True
            waiting = ASYNC.get(node.op)
            if waiting is not None:
                if await waiting(self, node, frame):
                    return True
            elif node.op == "return":
                frame.value = number(node.args[0])
                return True
            else:
                SYNC[node.op](self, node, frame)
        return False


def _operations(is_async):
    """The methods `do_NAME` of World that are (not) coroutines, by name."""
    methods = {name[3:]: getattr(World, name) for name in dir(World) if name.startswith("do_")}
    return {name: method for name, method in methods.items()
            if asyncio.iscoroutinefunction(method) == is_async}


SYNC = _operations(False)
ASYNC = _operations(True)


def run_program(program, kit):
    return World(program, kit).run()


gc.freeze()  # what is loaded now stays: collections look at programs only
