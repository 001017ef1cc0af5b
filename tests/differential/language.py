"""The language of generated programs: what a program is, as a tree and as text.

A program is a line `program NUMBER`, and below it, indented by two spaces per level, the shared
objects and the body of `main`. A line is an operation with its arguments; what is indented below
it belongs to it. README.md lists the operations.

    program 7
      event e0
      main
        spawn t0
          await e0
        set e0
        await t0

It refuses to know what the operations mean: interpret.py and interpreter/ do.
"""


class Node:
    """One line, and the lines below it."""

    __slots__ = ("op", "args", "children")

    def __init__(self, op, args=(), children=()):
        self.op = op
        self.args = list(args)
        self.children = list(children)

    def copy(self):
        return Node(self.op, self.args, [child.copy() for child in self.children])

    def size(self):
        return 1 + sum(child.size() for child in self.children)


def to_text(node, indent=0):
    lines = []
    _write(node, "  " * indent, lines)
    return "\n".join(lines) + "\n"


def _write(node, margin, lines):
    lines.append(margin + " ".join((node.op, *node.args)))
    for child in node.children:
        _write(child, margin + "  ", lines)


def parse(text):
    """The programs in `text`, in order."""
    root = Node("programs")
    open_nodes = [root]
    for line in text.splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        depth = (len(line) - len(line.lstrip())) // 2
        del open_nodes[depth + 1:]
        node = Node(words[0], words[1:])
        open_nodes[-1].children.append(node)
        open_nodes.append(node)
    return root.children


def number(word):
    """The number in an argument: 3 in both `3` and `t3`; None in `none`."""
    if word == "none":
        return None
    return int(word.lstrip("abcdefghijklmnopqrstuvwxyz"))
