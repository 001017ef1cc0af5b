"""Makes a random program from a seed.

Why it is here: corners that nobody thought of. A program has few objects and many operations on
them, so that operations meet; and small whole delays, so that things happen at the same instant.

What it avoids, because asyncio answers with an error of the interpreter (RecursionError) or calls
it the programmer's own mistake: tasks that await each other in a circle (every task has a rank,
and awaits higher ones only), and giving back a lock that one does not hold.
"""

import random

from language import Node
from weights import BASE, BY_KIND, CONTROLS, HARMLESS, NESTING, PLAIN, QUEUES


class Maker:
    """Makes one program."""

    TASKS = 9  # how many names of tasks there are
    SIZE = 50  # about how many operations a program has at most

    def __init__(self, seed):
        self.seed = seed
        self.random = random.Random(seed)
        self.left = self.random.randint(8, self.SIZE)
        self.coroutines = 0
        self.scopes = 0
        self.unused = [f"t{index}" for index in range(self.TASKS)]
        self.used = []
        self.rank = {name: self.random.random() for name in self.unused}
        self.futures = []
        self.objects = {}
        self.top = []

    def program(self):
        self.declare()
        main = self.crowd() if self.chance(0.4) else self.body(-1.0, 0)
        # What is declared and never used says nothing.
        words = set(_words(main))
        used = [node for node in self.top if node.args[0] in words]
        return Node("program", [str(self.seed)], [*used, Node("main", [], main)])

    # ---- Choices ------------------------------------------------------------------------

    def chance(self, probability):
        return self.random.random() < probability

    def pick(self, options):
        return options[int(self.random.random() * len(options))]

    def delay(self):
        return str(self.pick((0, 0, 1, 1, 1, 1, 2, 2, 3, 4)))

    def small(self):
        return str(self.random.randint(1, 9))

    def declare(self):
        """A few kinds of objects for this program: too many would never meet."""
        kinds = ["lock", "semaphore", "event", "condition", "barrier", "queue", "future"]
        self.random.shuffle(kinds)
        for kind in kinds[:self.random.randint(1, 3)]:
            for index in range(1 + self.chance(0.3)):
                self.declare_one(kind, index)
        weights = dict(BASE)
        for kind in self.objects:
            weights.update(BY_KIND[kind])
        if self.futures:
            weights.update(BY_KIND["future"])
        self.names, self.weights = list(weights), list(weights.values())

    def declare_one(self, kind, index):
        name = kind[0] + str(index)
        size = []
        if kind == "semaphore":
            size = [str(self.pick((0, 1, 1, 2)))]
        elif kind == "barrier":
            size = [str(self.pick((1, 2, 2, 3)))]
        elif kind == "queue":
            size = [str(self.pick((0, 1, 1, 2)))]
        op = self.pick(QUEUES) if kind == "queue" else kind
        self.top.append(Node(op, [name, *size]))
        if kind == "future":
            self.futures.append(name)
        else:
            self.objects.setdefault(kind, []).append(name)

    # ---- Bodies -------------------------------------------------------------------------

    def body(self, rank, depth, places=frozenset()):
        """The lines of a body or a block; `rank` is its task's, `places` what surrounds it."""
        lines = []
        for index in range(self.random.randint(5, 12) if depth == 0 else self.random.randint(1, 5)):
            if self.left <= 0:
                break
            self.left -= 1
            if depth == 0 and index < 2 and self.unused:  # something to work with
                made = [self.make_spawn(rank, depth, places)]
            else:
                made = self.line(rank, depth, places)
            if self.chance(0.7 if depth == 0 else 0.2):
                made = [self.survive(each) for each in made]
            lines.extend(made)
        if depth and self.chance(0.12):
            lines.append(self.end())
        return lines or [Node("sleep", ["1"])]

    def crowd(self):
        """Many small tasks at the same objects, while main disturbs them at the same instants."""
        own = {name for kind in [*self.objects, "future"] for name in BY_KIND[kind]}
        own = [name for name in self.names if name in own] or ["sleep"]
        lines = []
        for name in self.unused[:self.random.randint(3, 6)]:
            self.used.append(name)
            body = [made for _ in range(self.random.randint(1, 3))
                    for made in self.choose(own, self.rank[name], 4)]
            lines.append(Node("spawn", [name], body))
        for _ in range(self.random.randint(3, 9)):
            lines += self.choose(CONTROLS + own, -1.0, 4)
        return [self.survive(line) for line in lines]

    def choose(self, names, rank, depth):
        made = getattr(self, "make_" + self.pick(names))(rank, depth, frozenset())
        if made is None:
            return [Node("sleep", [self.pick("01")])]
        return made if isinstance(made, list) else [made]

    def survive(self, line):
        """A program whose main ends at once says little: what may raise is caught."""
        if line.op in HARMLESS:
            return line
        return Node("try", [], [Node("body", [], [line]), Node("catch", ["any", "swallow"])])

    def end(self):
        return Node("raise" if self.chance(0.5) else "return", [self.small()])

    def line(self, rank, depth, places):
        for _ in range(20):
            name, = self.random.choices(self.names, self.weights)
            if depth > 4 and name in NESTING:
                continue
            made = getattr(self, "make_" + name)(rank, depth, places)
            if made is not None:
                return made if isinstance(made, list) else [made]
        return [Node("sleep", [self.delay()])]

    def reference(self, rank, futures=True):
        """The name of a task or future that a task of this rank may await."""
        if self.futures and futures and self.chance(0.4):
            return self.pick(self.futures)
        names = [name for name in self.used if self.rank[name] > rank]
        return self.pick(names) if names else None

    def any_handle(self):
        """Something that may be cancelled or looked at: anything."""
        names = self.used + self.futures
        return self.pick(names) if names else None

    def coroutine(self, rank, depth):
        self.coroutines += 1
        name = f"k{self.coroutines}"
        return Node("coro", [name], self.body(rank, depth + 1))

    def item(self, rank, depth, futures=True):
        name = self.reference(rank, futures) if self.chance(0.6) else None
        return Node("ref", [name]) if name else self.coroutine(rank, depth)

    def several(self, rank, depth):
        """Items of one sort: futures, or tasks and coroutines."""
        if self.futures and self.chance(0.25):
            return [Node("ref", [self.pick(self.futures)])
                    for _ in range(self.random.randint(1, 3))]
        return [self.item(rank, depth, futures=False) for _ in range(self.random.randint(1, 3))]

    # ---- Operations: tasks --------------------------------------------------------------

    def make_spawn(self, rank, depth, places):
        higher = [name for name in self.unused if self.rank[name] > rank]
        if not higher:
            return None
        name = self.pick(higher)
        self.unused.remove(name)
        self.used.append(name)
        group = next(iter(sorted(places & self.groups())), None) if places else None
        if group is not None and self.chance(0.8):
            return Node("join_group", [group, name],
                        self.body(self.rank[name], depth + 1, frozenset([group])))
        return Node("spawn", [name], self.body(self.rank[name], depth + 1))

    def groups(self):
        return {f"g{index}" for index in range(1, self.scopes + 1)}

    def make_sleep(self, rank, depth, places):
        return Node("sleep", [self.delay()])

    def make_say(self, rank, depth, places):
        return Node("say", [self.small()])

    def make_raise(self, rank, depth, places):
        return Node("raise", [self.small()]) if depth else None

    def make_await(self, rank, depth, places):
        name = self.reference(rank)
        return Node("await", [name]) if name else None

    def make_cancel(self, rank, depth, places):
        name = self.any_handle()
        return Node("cancel", [name]) if name else None

    def make_cancel_self(self, rank, depth, places):
        lines = [Node("cancel_self")]
        if self.chance(0.3):
            lines.append(Node("uncancel"))
        return lines

    def make_uncancel(self, rank, depth, places):
        return Node("uncancel")

    def make_status(self, rank, depth, places):
        name = self.any_handle()
        return Node("status", [name]) if name else None

    def make_gather(self, rank, depth, places):
        return Node(self.pick(("gather", "gather", "collect")), [], self.several(rank, depth))

    def make_wait(self, rank, depth, places):
        if self.futures and self.chance(0.3):
            names = self.futures
        else:
            names = [name for name in self.used if self.rank[name] > rank]
        if not names:
            return None
        chosen = [self.pick(names) for _ in range(self.random.randint(1, 3))]
        limit = self.delay() if self.chance(0.5) else "none"
        return Node("wait", [self.pick(("all", "first", "exception")), limit, *chosen])

    def make_each(self, rank, depth, places):
        limit = self.delay() if self.chance(0.3) else "none"
        return Node("each", [limit, str(self.random.randint(1, 3))], self.several(rank, depth))

    def make_wait_for(self, rank, depth, places):
        return Node("wait_for", [self.delay()], [self.item(rank, depth)])

    def make_shield(self, rank, depth, places):
        return Node("shield", [], [self.item(rank, depth)])

    def make_timeout(self, rank, depth, places):
        limit = self.delay() if self.chance(0.9) else "none"
        return Node("timeout", [limit], self.body(rank, depth + 1, places | {"limit"}))

    def make_reschedule(self, rank, depth, places):
        if "limit" not in places:
            return None
        return Node("reschedule", [self.delay() if self.chance(0.8) else "none"])

    def make_group(self, rank, depth, places):
        self.scopes += 1
        name = f"g{self.scopes}"
        outside = frozenset(place for place in places if place == "limit")
        return Node("group", [name], self.body(rank, depth + 1, outside | {name}))

    def make_try(self, rank, depth, places):
        parts = [Node("body", [], self.body(rank, depth + 1, places))]
        if self.chance(0.8):
            kind = self.pick(("cancelled", "cancelled", "error", "any", "timeout"))
            how = "reraise" if self.chance(0.5) else "swallow"
            lines = self.body(rank, depth + 1, places) if self.chance(0.6) else []
            parts.append(Node("catch", [kind, how], lines))
        if len(parts) == 1 or self.chance(0.4):
            parts.append(Node("finally", [], self.body(rank, depth + 1, places)))
        return Node("try", [], parts)

    def make_repeat(self, rank, depth, places):
        return Node("repeat", [str(self.random.randint(2, 3))],
                    self.body(rank, depth + 1, places))

    # ---- Operations: callbacks ----------------------------------------------------------

    def callback_lines(self):
        lines = []
        for _ in range(self.random.randint(0, 2)):
            name, = self.random.choices(self.names, self.weights)
            if name in PLAIN:
                made = getattr(self, "make_" + name)(2.0, 9, frozenset())
                if made is not None:
                    lines.append(made)
        return lines

    def alarm(self):
        self.scopes += 1
        return f"a{self.scopes}"

    def make_soon(self, rank, depth, places):
        return Node("soon", [self.alarm()], self.callback_lines())

    def make_later(self, rank, depth, places):
        alarm = self.alarm()
        lines = [Node("later", [alarm, self.delay()], self.callback_lines())]
        if self.chance(0.2):
            lines += [Node("sleep", [self.delay()]), Node("unschedule", [alarm])]
        return lines

    def make_when_done(self, rank, depth, places):
        name = self.any_handle()
        return Node("when_done", [name], self.callback_lines()) if name else None

    # ---- Operations: objects ------------------------------------------------------------

    def hold(self, kind, rank, depth, places):
        name = self.pick(self.objects[kind])
        if name in places:
            return None  # asking for it again would be a deadlock: seldom, and once is enough
        return Node("hold", [name], self.body(rank, depth + 1, places | {name}))

    def make_lock(self, rank, depth, places):
        return self.hold("lock", rank, depth, places)

    def make_locked(self, rank, depth, places):
        names = self.objects.get("lock", []) + self.objects.get("semaphore", [])
        return Node("locked", [self.pick(names)])

    def make_semaphore(self, rank, depth, places):
        return self.hold("semaphore", rank, depth, places)

    def make_release(self, rank, depth, places):
        return Node("release", [self.pick(self.objects["semaphore"])])

    def make_event_wait(self, rank, depth, places):
        return Node("event_wait", [self.pick(self.objects["event"])])

    def make_set(self, rank, depth, places):
        return Node("set", [self.pick(self.objects["event"])])

    def make_clear(self, rank, depth, places):
        return Node("clear", [self.pick(self.objects["event"])])

    def make_condition(self, rank, depth, places):
        name = self.pick(self.objects["condition"])
        if name in places:
            return self.pick((Node("condition_wait", [name]), Node("notify", [name, "1"]),
                              Node("notify", [name, "2"])))
        wait = Node("condition_wait", [name])
        tell = Node("notify", [name, str(self.random.randint(1, 3))])
        lines = self.pick(([wait], [wait], [tell], [tell], None))
        return Node("hold", [name],
                    lines or self.body(rank, depth + 1, places | {name}))

    def make_barrier(self, rank, depth, places):
        op = self.pick(("wait", "wait", "wait", "wait", "reset", "abort"))
        return Node("barrier_" + op, [self.pick(self.objects["barrier"])])

    def queue(self):
        return self.pick(self.objects["queue"])

    def make_put(self, rank, depth, places):
        return Node("put", [self.queue(), self.small()])

    def make_get(self, rank, depth, places):
        return Node("get", [self.queue()])

    def make_put_nowait(self, rank, depth, places):
        return Node("put_nowait", [self.queue(), self.small()])

    def make_get_nowait(self, rank, depth, places):
        return Node("get_nowait", [self.queue()])

    def make_task_done(self, rank, depth, places):
        return Node("task_done", [self.queue()])

    def make_join(self, rank, depth, places):
        return Node("join", [self.queue()])

    def make_size(self, rank, depth, places):
        return Node("size", [self.queue()])

    def make_shutdown(self, rank, depth, places):
        return Node("shutdown", [self.queue(), self.pick(("now", "later"))])

    def make_resolve(self, rank, depth, places):
        return Node("resolve", [self.pick(self.futures), self.small()])

    def make_fail(self, rank, depth, places):
        return Node("fail", [self.pick(self.futures), self.small()])


def _words(lines):
    for line in lines:
        yield from line.args
        yield from _words(line.children)


def make_program(seed):
    return Maker(seed).program()
