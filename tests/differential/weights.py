"""What generate.py chooses from, and how often."""

QUEUES = ("fifo", "lifo", "priority")
# How often an operation is chosen, in every program.
BASE = {"spawn": 22, "sleep": 14, "say": 2, "raise": 2, "await": 12, "cancel": 12,
        "cancel_self": 2, "uncancel": 1, "status": 4, "gather": 5, "wait": 5, "each": 2,
        "wait_for": 5, "shield": 4, "timeout": 6, "reschedule": 2, "group": 4, "try": 12,
        "repeat": 1, "soon": 2, "later": 3, "when_done": 2}
# The same, in a program that has such an object.
BY_KIND = {
    "lock": {"lock": 16, "locked": 2},
    "semaphore": {"semaphore": 16, "release": 4, "locked": 2},
    "event": {"event_wait": 10, "set": 7, "clear": 3},
    "condition": {"condition": 18},
    "barrier": {"barrier": 14},
    "queue": {"put": 10, "get": 12, "put_nowait": 3, "get_nowait": 3, "task_done": 2, "join": 2,
              "size": 2, "shutdown": 1},
    "future": {"resolve": 6, "fail": 2},
}
# Operations with lines below them: not at any depth.
NESTING = {"spawn", "gather", "each", "wait_for", "shield", "timeout", "group", "try", "repeat",
           "lock", "semaphore", "condition"}
# What a callback may do.
PLAIN = {"say", "cancel", "status", "set", "clear", "put_nowait", "get_nowait", "size", "release",
         "resolve", "fail", "locked", "shutdown"}
# What main does to a crowd, besides using its objects.
CONTROLS = ["cancel", "cancel", "cancel", "cancel", "sleep", "sleep", "sleep", "await"]
# Operations that seldom raise.
HARMLESS = {"spawn", "sleep", "say", "cancel", "cancel_self", "uncancel", "status", "try", "soon",
            "later", "when_done", "unschedule", "set", "clear", "size", "locked", "release",
            "shutdown", "notify", "reschedule", "return", "raise", "condition_wait"}
