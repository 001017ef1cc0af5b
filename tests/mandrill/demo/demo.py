"""Runs `mandrill demo` as a user would, and reads what it leaves behind: log, database, ledger.

What the tests know of the service they know from outside: its output, its exit status, its files
and its processes.
"""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

PROGRAM = os.environ["MANDRILL_PROGRAM"]

# A bound for everything that is waited for. Generous: sanitizers and busy machines are slow.
PATIENCE_S = 120


class Demo:
    """One run of `mandrill demo`. Its log is read line by line, by a thread."""

    def __init__(self, state, *arguments, stdin=subprocess.DEVNULL, prefix=()):
        command = [*prefix, PROGRAM, "demo", "--state-dir", str(state), *arguments]
        self.process = subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.lines = []
        self._changed = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stderr:
            with self._changed:
                self.lines.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def log(self):
        return "\n".join(self.lines)

    def wait_for_line(self, text, count=1):
        """Returns once `count` lines of the log contain `text`."""

        def is_there():
            return self._ended or sum(text in line for line in self.lines) >= count

        with self._changed:
            if not self._changed.wait_for(is_there, PATIENCE_S):
                raise AssertionError(f"no line with {text!r} in time; the log:\n{self.log()}")
        if sum(text in line for line in self.lines) < count:
            raise AssertionError(f"ended without a line with {text!r}; the log:\n{self.log()}")

    def send(self, number):
        self.process.send_signal(number)

    def finish(self):
        """Waits for the end; gives the exit status. The summary is in `self.output` then."""
        self.output = self.process.stdout.read()
        status = self.process.wait(PATIENCE_S)
        self.process.stdout.close()
        self._reader.join(PATIENCE_S)
        self.process.stderr.close()
        return status

    def kill(self):
        """kill -9, as the kernel's out-of-memory killer would do."""
        self.process.kill()
        return self.finish()

    def counts(self):
        """The numbers of the summary."""
        found = {}
        for line in self.output.splitlines():
            words = line.split()
            if len(words) >= 2 and words[1].isdigit():
                found[words[0]] = int(words[1])
        return found


class Ledger:
    """The fleet's own record of boots, written by the hosts themselves."""

    def __init__(self, state):
        text = (Path(state) / "ledger.jsonl").read_text()
        self.boots = [json.loads(line) for line in text.splitlines() if line.endswith("}")]

    def boots_for(self, request):
        return [boot for boot in self.boots if boot["request"] == request]

    def restarts(self):
        return [boot for boot in self.boots if boot["request"]]


def running_hosts(state):
    """Process ids of the fleet's hosts that are there now, adopted and booting ones included."""
    wanted = f"--ledger={state}/".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except OSError:
            pass  # it has ended meanwhile
    return found


def rows(state, query):
    database = sqlite3.connect(f"file:{state}/mandrill.db?mode=ro", uri=True)
    try:
        return database.execute(query).fetchall()
    finally:
        database.close()


def mandrill(*arguments):
    """Runs another command of the program to its end."""
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True,
                          timeout=PATIENCE_S, check=False)


class DemoCase(unittest.TestCase):
    """A test with a state directory of its own, and no process left behind, also when it fails."""

    def setUp(self):
        self.state = tempfile.mkdtemp(prefix="mandrill-test-")
        self.demos = []
        self.addCleanup(self._clean_up)

    def start(self, *arguments, **options):
        demo = Demo(self.state, *arguments, **options)
        self.demos.append(demo)
        return demo

    def _clean_up(self):
        for demo in self.demos:
            if demo.process.poll() is None:
                demo.kill()
        for pid in running_hosts(self.state):
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.state, ignore_errors=True)
