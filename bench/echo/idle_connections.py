"""What a connection costs a server that has nothing to do for it: resident memory, by the growth of
the server while clients connect, are answered once, and then say nothing.
"""

import contextlib
import resource
import signal
import socket
import subprocess
from pathlib import Path

REQUEST = b"x" * 64


def resident_bytes(process):
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("the server has ended")


def answered_client(port, clients):
    client = clients.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30))
    client.sendall(REQUEST)
    client.recv(len(REQUEST), socket.MSG_WAITALL)


def bytes_per_connection(server, connections):
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)  # the server inherits it
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with subprocess.Popen(server, stdout=subprocess.PIPE, text=True) as process, \
            contextlib.ExitStack() as clients:
        try:
            port = int(process.stdout.readline())
            answered_client(port, clients)  # what the first one needs, the others share
            before = resident_bytes(process)
            for _ in range(connections):
                answered_client(port, clients)
            return (resident_bytes(process) - before) / connections
        finally:
            process.send_signal(signal.SIGKILL)
