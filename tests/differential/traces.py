"""Two traces beside each other, for people."""


def side_by_side(expected, actual):
    """Both traces, with a mark where they part."""
    width = max([len(line) for line in expected] + [len("asyncio")])
    rows = [f"    {'asyncio':{width}}   mayhem"]
    for index in range(max(len(expected), len(actual))):
        left = expected[index] if index < len(expected) else ""
        right = actual[index] if index < len(actual) else ""
        rows.append(f"  {' ' if left == right else '*'} {left:{width}}   {right}")
    return "\n".join(rows)
