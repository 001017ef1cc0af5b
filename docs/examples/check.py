#!/usr/bin/env python3
"""Runs the stage programs and compares what they do with what is written down beside them.

    check.py --programs BUILD/docs/examples [--update] [STAGE ...]      (a STAGE is part-1/mayhem_3)

Beside `mayhem_3.cpp` there is `mayhem_3.txt`: sessions, each a command and all that it prints.

    $ mayhem_3 --seed 1 --clock virtual --signal INT@2
    12:00:00,000 INFO: Published message ...
    [killed by SIGINT]

With a seed and a virtual clock a program prints the same every time: the comparison is exact. What
threads do on a real clock is not the same every time; such a session is in `mayhem_3.real` and is
a list of rules: what must be there, in this order (+), and what must not be there (-), as regular
expressions; how many threads of a name there must be (=), and a signal to be sent (!). A rule that
has to wait does so until it is fulfilled, so that a session depends on no machine's speed. Between
two signals, and before the first, a (-) is about what is printed there.

    $ mayhem_3 --seed 1
    + Published message
    = 2 executor
    - Received exit signal
    ! TERM
    + Received exit signal SIGTERM
    [hangs]

The last line is `[exit N]`, `[killed by SIGNAL]` or `[hangs]`, for a process that has to be killed
since it does not end. `--update` writes what exact sessions print now.
"""

import argparse
import difflib
import os
import queue
import re
import resource
import shlex
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent

# Their programs are tests, and run as such; only their length is checked here.
PARTS_OF_TESTS = {"part-5"}

# A program may have at most this many times the lines of its original.
LINES_FACTOR = 1.4

# How long a program may take; generous, as sanitizers and busy machines are slow.
PATIENCE_S = 120

# A program that is expected to hang is believed to when this long after the last thing that was
# expected of it (for an exact session: after its start) it still runs.
SILENCE_S = 3


class Session:
    """One command, and what was written down of its output."""

    def __init__(self, stage, command):
        self.stage = stage
        self.command = command
        self.expected = []

    @property
    def name(self):
        return f"{self.stage}: {self.command}"

    def run(self, programs):
        """Gives the lines that it prints, and as the last line how it ended."""
        process = self.start(programs)
        patience = self.last_patience()
        try:
            output, _ = process.communicate(timeout=patience)
            end = describe_end(process.returncode)
        except subprocess.TimeoutExpired:
            process.kill()
            output, _ = process.communicate()
            end = "[hangs]"
        return [*normalised(output).splitlines(), end]

    def start(self, programs):
        words = shlex.split(self.command)
        environment = dict(os.environ)
        while "=" in words[0]:
            key, value = words.pop(0).split("=", 1)
            environment[key] = value
        program = Path(programs) / Path(self.stage).parent / words[0]
        return subprocess.Popen([program, *words[1:]], env=environment, text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, preexec_fn=prepare)

    def last_patience(self):
        return SILENCE_S if self.expected[-1:] == ["[hangs]"] else PATIENCE_S


class RuledRun:
    """A process that is led through a session of rules. What it prints is recorded, and in between
    what was done to it: `[sent TERM]`, `[2 threads named executor]`."""

    def __init__(self, session, programs):
        self.session = session
        self.process = session.start(programs)
        self.printed = []
        self.coming = queue.Queue()
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.coming.put(normalised(line).rstrip("\n"))
        self.coming.put(None)

    def lead(self):
        """Fulfils one rule after the other; gives what `Session.run` does."""
        for rule in self.session.expected[:-1]:
            kind, what = rule[:1], rule[2:]
            if kind == "+" and not self.wait_for_line(what):
                break
            if kind == "=" and not self.wait_for_threads(*what.split()):
                break
            if kind == "!":
                self.process.send_signal(signal.Signals["SIG" + what])
                self.printed.append(f"[sent {what}]")
        end = self.finish()
        return [*self.printed, end]

    def wait_for_line(self, pattern):
        deadline = time.monotonic() + PATIENCE_S
        while (left := deadline - time.monotonic()) > 0:
            try:
                line = self.coming.get(timeout=left)
            except queue.Empty:
                break
            if line is None:
                self.coming.put(None)  # for finish
                break
            self.printed.append(line)
            if re.search(pattern, line):
                return True
        return False

    def wait_for_threads(self, count, name):
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and self.process.poll() is None:
            if count_threads(self.process.pid, name) == int(count):
                self.printed.append(f"[{count} threads named {name}]")
                return True
            time.sleep(0.01)
        return False

    def finish(self):
        try:
            self.process.wait(timeout=self.session.last_patience())
            end = describe_end(self.process.returncode)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            end = "[hangs]"
        self.reader.join()
        self.process.stdout.close()
        self.printed += iter(self.coming.get, None)
        return end


def count_threads(process, name):
    names = Path(f"/proc/{process}/task").glob("*/comm")
    return [read_if_there(path).strip() for path in names].count(name)


def read_if_there(path):
    try:
        return path.read_text()
    except OSError:
        return ""


def normalised(text):
    """Without what depends on the backend, on the place of the build and on the compiler."""
    text = re.sub(r"(Using selector: |<event_loop )\w+", r"\1BACKEND", without_build_paths(text))
    return re.sub(r'(docs/examples/[\w/-]+\.[ch]pp)(:|", line )(\d+)', at_first_line, text)


def at_first_line(place):
    """For g++ a coroutine that has not begun is at its last line, for clang at its first."""
    path, between, number = place.groups()
    lines = (HERE.parent.parent / path).read_text().splitlines()
    at = int(number)
    if 0 < at <= len(lines) and lines[at - 1] == "}":
        while at > 1 and not lines[at - 1].startswith("coro<"):
            at -= 1
    return f"{path}{between}{at}"


def without_build_paths(text):
    """Paths as from the root of the sources, wherever the programs were built."""
    return re.sub(r'[^\s"(]*/(?=(?:docs/examples|tasks|loop)/[\w/-]+\.[ch]pp)', "", text)


def prepare():
    """In the child: Ctrl-C as a terminal's programs have it, and no core dumps."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def describe_end(status):
    if status < 0:
        return f"[killed by {signal.Signals(-status).name}]"
    return f"[exit {status}]"


def read_sessions(stage, suffix):
    """The sessions in the stage's file, none if it has no such file."""
    path = HERE / (stage + suffix)
    sessions = []
    for line in path.read_text().splitlines() if path.exists() else ():
        if line.startswith("$ "):
            sessions.append(Session(stage, line[2:]))
        else:
            sessions[-1].expected.append(line)
    for session in sessions:
        while session.expected and not session.expected[-1]:
            session.expected.pop()
    return sessions


def write_sessions(stage, sessions):
    text = "\n".join(f"$ {session.command}\n" + "".join(line + "\n" for line in session.expected)
                     for session in sessions)
    (HERE / (stage + ".txt")).write_text(text)


def exact_difference(session, printed):
    """An explanation of what is not as it was written down; empty if all is well."""
    return "\n".join(difflib.unified_diff(session.expected, printed, "expected", "printed",
                                          lineterm=""))


def rule_difference(session, printed):
    """The same for a session of rules."""
    *rules, end = session.expected
    wrong = [] if printed[-1] == end else [f"ended with {printed[-1]}, not {end}"]
    left = list(printed)
    part = lines_until_signal(left)
    for rule in rules:
        kind, what = rule[:1], rule[2:]
        if kind == "-":
            wrong += [f"must not be there: {line}" for line in part if re.search(what, line)]
            continue
        pattern = rule_pattern(kind, what)
        found = next((at for at, line in enumerate(left) if re.search(pattern, line)), None)
        if found is None:
            wrong.append(f"missing, or too early: {what}")
            break
        left = left[found + 1:]
        if kind == "!":
            part = lines_until_signal(left)
    return "\n".join([*wrong, "printed:", *printed[-60:]] if wrong else [])


def rule_pattern(kind, what):
    """What a fulfilled rule looks like in the record."""
    if kind == "!":
        return rf"^\[sent {what}\]$"
    if kind == "=":
        return r"^\[{} threads named {}\]$".format(*what.split())
    return what


def lines_until_signal(lines):
    signals = [at for at, line in enumerate(lines) if line.startswith("[sent ")]
    return lines[:signals[0]] if signals else lines


def check_exactly(session, programs):
    return exact_difference(session, session.run(programs))


def check_rules(session, programs):
    return rule_difference(session, RuledRun(session, programs).lead())


def count_lines(stage):
    """Lines that are not blank, comments included, of its source and, if any, of its header."""
    sources = [HERE / (stage + ending) for ending in (".cpp", ".hpp")]
    return sum(bool(line.strip()) for path in sources if path.exists()
               for line in path.read_text().splitlines())


def original_lines(part):
    """Stage -> how many lines its original has, from the table in the part's README."""
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \|", (HERE / part / "README.md").read_text(), re.M)
    return {f"{part}/{name}": int(count) for name, count in rows}


def check_length(stage, original):
    own = count_lines(stage)
    if own <= LINES_FACTOR * original:
        return ""
    return f"{own} lines, more than {LINES_FACTOR} times the {original} of the original"


def cases(part):
    """Every check of a part: (name, function of the programs' folder that gives what is wrong)."""
    for stage, original in original_lines(part).items():
        yield f"{stage} is short", lambda _, at=(stage, original): check_length(*at)
        exact = read_sessions(stage, ".txt")
        rules = read_sessions(stage, ".real")
        if not exact and not rules and part not in PARTS_OF_TESTS:
            yield f"{stage} has a transcript", lambda _: "neither a .txt nor a .real beside it"
        for sessions, look in ((exact, check_exactly), (rules, check_rules)):
            for session in sessions:
                yield session.name, lambda programs, at=(session, look): at[1](at[0], programs)


def update(stage, programs):
    sessions = read_sessions(stage, ".txt")
    for session in sessions:
        session.expected = session.run(programs)
    if sessions:
        write_sessions(stage, sessions)


def parts():
    return sorted(path.parent.name for path in HERE.glob("part-*/README.md"))


def main():
    parser = argparse.ArgumentParser(description="checks the stage programs")
    parser.add_argument("--programs", required=True, help="where they were built")
    parser.add_argument("--update", action="store_true", help="write what they print now")
    parser.add_argument("stages", nargs="*", metavar="STAGE")
    options = parser.parse_args()
    if options.update:
        for part in parts():
            for stage in original_lines(part):
                if not options.stages or stage in options.stages:
                    update(stage, options.programs)
    failed = 0
    for part in parts():
        for name, check in cases(part):
            if options.stages and not name.replace(" ", ":").split(":")[0] in options.stages:
                continue
            wrong = check(options.programs)
            failed += bool(wrong)
            print(f"FAILED {name}\n{wrong}\n" if wrong else f"ok     {name}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
