"""Protocols of asyncio that send each other 64 bytes over a pair of sockets."""

import asyncio
import socket
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

import python_peer  # noqa: E402
from python_peer import case  # noqa: E402

MESSAGE = bytes(64)
ROUNDS_AT_ONCE = 2000


def rounds_of_each(pairs):
    return -(-ROUNDS_AT_ONCE // pairs)


class Player(asyncio.Protocol):
    """One end; who serves writes first, and has the last word by not answering."""

    def __init__(self, serves):
        self.serves = serves
        self.left = 0
        self.done = None

    def connection_made(self, transport):
        self.transport = transport

    def play(self, rounds):
        self.left = rounds
        self.done = asyncio.get_running_loop().create_future()
        if self.serves:
            self.transport.write(MESSAGE)
        return self.done

    def data_received(self, data):
        self.left -= 1
        if not self.serves or self.left:
            self.transport.write(data)
        if not self.left:
            self.done.set_result(None)


async def connected(end, serves):
    loop = asyncio.get_running_loop()
    end.setblocking(False)
    _, player = await loop.create_unix_connection(lambda: Player(serves), sock=end)
    return player


@case("pairs", sizes=(1, 10, 100), operations=lambda pairs: pairs * rounds_of_each(pairs))
async def pairs(iterations, count):
    players = []
    for _ in range(count):
        left, right = socket.socketpair()
        players += [await connected(left, True), await connected(right, False)]
    for _ in range(iterations):
        for done in [player.play(rounds_of_each(count)) for player in players]:
            await done
    for player in players:
        player.transport.close()


if __name__ == "__main__":
    python_peer.main()
