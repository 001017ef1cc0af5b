"""Makes a program that fails as small as it can be and still fails (delta debugging on a tree).

Why it is here: a random program has thirty lines, of which three matter. It tries to remove every
line with what is below it, to put in its place what is below it, and to make numbers smaller; it
keeps what still fails, and begins again until nothing helps.

It tries many candidates at once, since starting the C++ interpreter costs more than running it.
"""

from language import Node

HOLDERS = {"body", "catch", "finally", "coro", "ref", "main", "program"}


def _paths(node, path=()):
    """Every line but the root, as a path of indices, the biggest first."""
    for index, child in enumerate(node.children):
        yield (*path, index)
        yield from _paths(child, (*path, index))


def _at(node, path):
    for index in path:
        node = node.children[index]
    return node


def _without(program, path):
    changed = program.copy()
    del _at(changed, path[:-1]).children[path[-1]]
    return changed


def _unwrapped(program, path):
    """The line replaced by what is below it."""
    changed = program.copy()
    parent = _at(changed, path[:-1])
    line = parent.children[path[-1]]
    inner = line.children
    if line.op == "try":
        inner = line.children[0].children
    if not inner or line.op in HOLDERS or inner[0].op in HOLDERS:
        return None
    parent.children[path[-1]:path[-1] + 1] = inner
    return changed


def _smaller(program, path):
    line = _at(program, path)
    for index, word in enumerate(line.args):
        if word.isdigit() and int(word) > 1:
            changed = program.copy()
            _at(changed, path).args[index] = "1"
            yield changed


def candidates(program):
    for path in _paths(program):
        if _at(program, path).op != "main":
            yield _without(program, path)
    for path in _paths(program):
        unwrapped = _unwrapped(program, path)
        if unwrapped is not None:
            yield unwrapped
    for path in _paths(program):
        yield from _smaller(program, path)


def is_complete(node):
    """A program that both interpreters can read: parts that must be there are there."""
    children = [child.op for child in node.children]
    if node.op == "try" and (not children or children[0] != "body" or len(children) < 2):
        return False
    if node.op in ("wait_for", "shield") and not children:
        return False
    return all(is_complete(child) for child in node.children)


def declared(program):
    """True when every object that is used is declared."""
    names = {node.args[0] for node in program.children[:-1]}

    def words(node):
        yield from node.args
        for child in node.children:
            yield from words(child)

    kinds = tuple("lsecbqf")
    used = {word for word in words(program.children[-1])
            if word[0] in kinds and word[1:].isdigit()}
    return used <= names


def shrink(program, fails):
    """`fails(programs)` gives a list of booleans, one for each."""
    while True:
        found = [each for each in candidates(program) if is_complete(each) and declared(each)]
        verdicts = fails(found)
        smaller = [each for each, failed in zip(found, verdicts) if failed]
        if not smaller:
            return Node(program.op, ["0"], program.children)
        program = min(smaller, key=Node.size)
