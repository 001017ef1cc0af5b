#!/usr/bin/env python3
"""Breaks the library on purpose, one rule at a time, and looks whether a test notices.

Why it is here: a test that has never been seen failing proves little. tests/breakages.toml lists
what is broken: a text in a source file, what replaces it, the rule that no longer holds then, and
the tests that must fail. Each one is built and run in a copy of the tree, below build/breakages/,
where one build directory serves all, so that each costs seconds. The tests have to pass before
anything is broken; a crash or a hang counts only where the list expects it.

It refuses to touch the tree itself. With --check it builds nothing, and only makes sure that the
list still fits the tree: each text is found exactly once, and each test exists.

usage: breakages.py [--root DIR] [--jobs N] [NAME...]
       breakages.py --check [--tap] [--root DIR] [TEST=PROGRAM...]
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import conformance

LIST = Path("tests/breakages.toml")
SCRATCH = Path("build/breakages")
KEYS = {"name", "rule", "file", "text", "becomes", "test", "cases", "ends"}
OPTIONAL = {"cases", "ends"}
PASSES, FAILS, CRASHES, HANGS = "passes", "fails", "crashes", "hangs"
# For one run of the tests of one breakage, and where it is expected to hang.
SECONDS_MAX, SECONDS_UNTIL_HUNG = 120, 20


class Problem(Exception):
    """Something that keeps a breakage from telling anything."""


# ---- The list ------------------------------------------------------------------------------


def read_list(root):
    with (root / LIST).open("rb") as file:
        return tomllib.load(file)["breakage"]


def problems_of(root, breakage):
    """Yields what is wrong with one entry, as far as the tree alone can tell."""
    missing = KEYS - OPTIONAL - set(breakage)
    if missing or set(breakage) - KEYS:
        yield f"the keys are {sorted(KEYS)}, but {sorted(OPTIONAL)} may be left out"
        return
    if breakage.get("ends", FAILS) not in (FAILS, CRASHES, HANGS):
        yield f"ends is one of {FAILS}, {CRASHES}, {HANGS}"
    path = root / breakage["file"]
    found = path.read_text(encoding="utf-8").count(breakage["text"]) if path.exists() else 0
    if found != 1:
        yield f"its text is {found} times in {breakage['file']}, and has to be there once"
    if breakage["text"] == breakage["becomes"]:
        yield "it changes nothing"


def check(root, programs):
    """The problems of the whole list. `programs` maps tests of meson's to their programs: only in
    these are cases looked for."""
    breakages = read_list(root)
    known = {test: {name for name, _ in conformance.list_tests(program)}
             for test, program in programs.items()}
    problems, names = [], set()
    for breakage in breakages:
        name = breakage.get("name", "?")
        problems += [f"{name}: {problem}" for problem in problems_of(root, breakage)]
        if name in names:
            problems.append(f"{name}: there are two of that name")
        names.add(name)
        here = known.get(breakage.get("test"))
        problems += [f"{name}: {breakage['test']} has no {case}"
                     for case in breakage.get("cases", []) if here is not None and case not in here]
    return problems


# ---- The copy of the tree ------------------------------------------------------------------


def copy_tree(root, scratch):
    """Brings the copy up to date. What has not changed keeps its time, and is not built again."""
    listing = subprocess.run(["git", "ls-files", "-z", "--cached", "--others",
                              "--exclude-standard"], cwd=root, check=True,
                             stdout=subprocess.PIPE).stdout.decode().split("\0")
    wanted = {name for name in listing
              if name and not name.startswith("build/") and (root / name).is_file()}
    for name in wanted:
        target = scratch / name
        if target.exists() and target.read_bytes() == (root / name).read_bytes():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / name, target)
    for path in list(scratch.rglob("*")):
        name = path.relative_to(scratch)
        if path.is_file() and name.parts[0] != "build" and name.as_posix() not in wanted:
            path.unlink()


class Builder:
    """One build directory in the copy, with meson's knowledge of its tests."""

    def __init__(self, tree, jobs):
        self.tree, self.jobs = tree, jobs
        self.build = tree / "build" / "clang"
        if not (self.build / "build.ninja").exists():
            self._configure()
        # Changed build files are read now, before meson is asked for its tests.
        self._run(["ninja", "-C", self.build, "build.ninja"])
        targets = {target["id"]: target for target in self._introspect("--targets")}
        self.tests = {test["name"]: test for test in self._introspect("--tests")}
        for test in self.tests.values():
            test["programs"] = [os.path.relpath(targets[used]["filename"][0], self.build)
                                for used in test["depends"] if used in targets]

    def _configure(self):
        compiler = "clang++-19"
        if shutil.which("ccache"):
            compiler = "ccache " + compiler
        self._run(["meson", "setup", self.build, self.tree, "-Dtests=enabled", "-Dbench=disabled",
                   "-Dbuildtype=debug", "-Dwerror=true"], env={**os.environ, "CXX": compiler})

    def _introspect(self, what):
        return json.loads(subprocess.run(["meson", "introspect", self.build, what], check=True,
                                         stdout=subprocess.PIPE).stdout)

    @staticmethod
    def _run(command, **options):
        done = subprocess.run(command, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, **options)
        if done.returncode != 0:
            lines = [line for line in done.stdout.splitlines() if "error:" in line]
            raise Problem("\n".join(lines[:3]) or done.stdout[-2000:])

    def make(self, test_names):
        programs = {program for name in test_names for program in self.tests[name]["programs"]}
        self._run(["ninja", "-C", self.build, "-j", str(self.jobs), *sorted(programs)])


# ---- One run -------------------------------------------------------------------------------


def outcome_of_run(command, environment, seconds_max):
    """How a test program ends, and what it said."""
    process = subprocess.Popen(command, env={**os.environ, **environment}, text=True,
                               errors="replace", start_new_session=True, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        said, _ = process.communicate(timeout=seconds_max)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return HANGS, process.communicate()[0]
    says_failed = "[  FAILED  ]" in said or said.startswith("not ok") or "\nnot ok" in said
    if process.returncode == 0 and not says_failed:
        return PASSES, said
    return FAILS if says_failed and process.returncode in (0, 1) else CRASHES, said


def run_tests(builder, breakage, seconds_max):
    test = builder.tests[breakage["test"]]
    environment = dict(test["env"])
    if breakage.get("cases"):
        environment["GTEST_FILTER"] = conformance.gtest_filter(breakage["cases"])
    outcome, said = outcome_of_run(test["cmd"], environment, seconds_max)
    if "[==========] Running 0 tests" in said:
        raise Problem("it runs no test")
    return outcome, said


def try_breakage(builder, breakage):
    """Breaks one rule in the copy, mends it again; says how its tests end in between."""
    path = builder.tree / breakage["file"]
    sound = path.read_text(encoding="utf-8")
    path.write_text(sound.replace(breakage["text"], breakage["becomes"]), encoding="utf-8")
    try:
        builder.make([breakage["test"]])
        hangs = breakage.get("ends") == HANGS
        return run_tests(builder, breakage, SECONDS_UNTIL_HUNG if hangs else SECONDS_MAX)
    finally:
        path.write_text(sound, encoding="utf-8")


def find_unsound(builder, breakages):
    """The names of those whose tests do not pass before anything is broken."""
    builder.make({one["test"] for one in breakages})
    unsound = set()
    for breakage in breakages:
        try:
            sound = run_tests(builder, breakage, SECONDS_MAX)[0] == PASSES
        except Problem:
            sound = False
        if not sound:
            unsound.add(breakage["name"])
    return unsound


def judge(builder, breakage, logs):
    """(verdict, remark) on one breakage."""
    try:
        outcome, said = try_breakage(builder, breakage)
    except Problem as problem:
        return "NOT TRIED", str(problem)
    if logs:
        (logs / f"{breakage['name']}.log").write_text(said, encoding="utf-8")
    if outcome == breakage.get("ends", FAILS):
        return "caught", ""
    return "NOT CAUGHT", f"{breakage['test']} {outcome}, but: {breakage['rule']}"


def run_all(root, names, jobs, keep):
    """Prints a line for each breakage; the answer is how many were not caught."""
    breakages = [one for one in read_list(root) if not names or one["name"] in names]
    unknown = set(names) - {one["name"] for one in breakages}
    if unknown:
        raise Problem(f"{LIST} has no {', '.join(sorted(unknown))}")
    tree = root / SCRATCH
    copy_tree(root, tree)
    builder = Builder(tree, jobs)
    missing = {one["test"] for one in breakages} - set(builder.tests)
    if missing:
        raise Problem(f"meson has no test called {', '.join(sorted(missing))}")
    print("building, and running the tests before anything is broken ...", flush=True)
    unsound = find_unsound(builder, breakages)
    uncaught = 0
    for breakage in breakages:
        begin = time.monotonic()
        verdict, remark = "NOT TRIED", "its tests do not pass before anything is broken"
        if breakage["name"] not in unsound:
            verdict, remark = judge(builder, breakage, tree / "build" if keep else None)
        uncaught += verdict != "caught"
        print(f"{verdict:<12} {breakage['name']:<34} {time.monotonic() - begin:5.1f} s  "
              f"{breakage['rule']}", flush=True)
        if remark:
            print("             " + remark.replace("\n", "\n             "), flush=True)
    print(f"{len(breakages) - uncaught} of {len(breakages)} breakages were caught")
    return uncaught


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    parser.add_argument("--check", action="store_true", help="only check that the list fits")
    parser.add_argument("--tap", action="store_true", help="answer as one TAP test, for meson")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="compilers at a time")
    parser.add_argument("--keep", action="store_true", help="keep what the broken tests said, "
                        "in build/breakages/build/NAME.log")
    parser.add_argument("names", nargs="*", help="breakages (default: all); with --check, "
                        "programs in which to look for the cases, as loop=build/.../loop_tests")
    options = parser.parse_args()
    root = options.root.resolve()
    if not options.check:
        try:
            return run_all(root, options.names, options.jobs, options.keep) > 0
        except Problem as problem:
            sys.exit(str(problem))
    programs = dict(name.split("=", 1) for name in options.names)
    problems = check(root, programs)
    for problem in problems:
        print(("# " if options.tap else "") + problem)
    if options.tap:
        print("1..1\n" + ("not ok" if problems else "ok") + " 1 - the list of breakages fits")
    return bool(problems) and not options.tap


if __name__ == "__main__":
    sys.exit(main())
