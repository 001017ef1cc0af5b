#!/usr/bin/env python3
"""Runs the tests that docs/conformance.toml names, and writes docs/CONFORMANCE.md from both.

Why it is here: a table of what the library promises is worth something only while each promise is
tested. The catalogue says which tests prove a rule; the marks for each backend come from running
those tests, never from the catalogue. Naming a test that does not exist is an error, and so is a
rule without a test on a backend, unless the catalogue says for which backends alone it makes sense.

It refuses to write the page when a backend is missing on this machine or a test fails. Checking on
such a machine skips what cannot be run, and says so.

usage: conformance.py [--root DIR] [--write | --tap] TEST_PROGRAM...
"""

import argparse
import os
import subprocess
import sys
import tempfile
import tomllib
import xml.etree.ElementTree as ElementTree
from pathlib import Path

CATALOGUE = Path("docs/conformance.toml")
PAGE = Path("docs/CONFORMANCE.md")
BACKENDS = ("uring", "epoll", "sim")
PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
SIMULATED = "sim"
# How REAL_KERNEL_ONLY (tests/support/real_kernel_only.hpp) begins: such a case is not one of sim's.
REAL_ONLY = "the real kernel only: "
MARKS = {PASSED: "✓", FAILED: "✗", SKIPPED: "skipped", None: "·"}


class Problem(Exception):
    """Something that a reader of the page would be deceived by."""


def read_catalogue(root):
    with (root / CATALOGUE).open("rb") as file:
        catalogue = tomllib.load(file)
    for section in catalogue["section"]:
        for rule in section["rule"]:
            where = f"{section['name']}: {rule.get('rule', '?')}"
            missing = [key for key in ("rule", "asyncio", "source", "tests") if not rule.get(key)]
            if missing:
                raise Problem(f"{where}: no {', '.join(missing)}")
            if ("ours" in rule) != ("why" in rule):
                raise Problem(f"{where}: what differs (ours) needs its reason (why), and only that")
            unknown = set(rule.get("backends", [])) - set(BACKENDS)
            if unknown or ("backends" in rule) != ("because" in rule):
                raise Problem(f"{where}: backends are of {BACKENDS}, with a reason (because)")
    return catalogue


def rules_of(catalogue):
    return [rule for section in catalogue["section"] for rule in section["rule"]]


def split_name(suite, case):
    """GoogleTest's names of one case: (the catalogue's name, backend or None).

    suite/uring . case      a CO_TEST
    on/suite . case/uring   a TEST_P; variants of a backend are called uring_tiny and the like
    suite . case            a TEST, which may loop over backends and then records which
    """
    if "/" in case:
        case, _, backend = case.partition("/")
        suite = suite.rpartition("/")[2]
    else:
        suite, _, backend = suite.partition("/")
    return f"{suite}.{case}", backend.partition("_")[0] or None


def list_tests(program):
    """Yields every case of a program as split_name gives it."""
    listing = subprocess.run([program, "--gtest_list_tests"], check=True, text=True,
                             stdout=subprocess.PIPE).stdout
    suite = None
    for line in listing.splitlines():
        name = line.partition("#")[0].rstrip()
        if not line.startswith(" ") and name.endswith("."):
            suite = name[:-1]
        elif line.startswith("  ") and suite:
            yield split_name(suite, name.strip())


def gtest_filter(names):
    """All spellings of the catalogue's names."""
    spellings = []
    for name in names:
        suite, _, case = name.partition(".")
        spellings += [name, f"{suite}/*.{case}", f"*/{suite}.{case}/*"]
    return ":".join(spellings)


def outcome_of(case, backend):
    """None for what is meant for real kernels alone, and met the simulated one."""
    if case.find("failure") is not None:
        return FAILED
    skipped = case.find("skipped")
    if skipped is not None and backend == SIMULATED and REAL_ONLY in skipped.get("message", ""):
        return None
    return PASSED if case.get("status") == "run" and skipped is None else SKIPPED


def recorded_backends(case):
    """What for_each_backend says that it ran on."""
    for item in case.iter("property"):
        if item.get("name") == "backends":
            return item.get("value").split()
    return []


def run_tests(program, names):
    """Yields (name, backend, outcome) of each case; backend is None where it needs none."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        done = subprocess.run([program, f"--gtest_output=xml:{report}"], text=True, cwd=folder,
                              env={**os.environ, "GTEST_FILTER": gtest_filter(names)},
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if not report.exists():
            raise Problem(f"{program} ended with {done.returncode}:\n{done.stdout[-3000:]}")
        for case in ElementTree.parse(report).iter("testcase"):
            name, backend = split_name(case.get("classname"), case.get("name"))
            for each in [backend] if backend else recorded_backends(case) or [None]:
                outcome = outcome_of(case, each)
                if outcome:
                    yield name, each, outcome


def worst(outcomes):
    for outcome in (FAILED, SKIPPED, PASSED):
        if outcome in outcomes:
            return outcome
    return None


class Results:
    """What the run of the catalogue's tests gave."""

    def __init__(self, programs, catalogue):
        wanted = {name for rule in rules_of(catalogue) for name in rule["tests"]}
        self.known, self.backends, self.outcomes = set(), set(), {}
        for program in programs:
            tests = list(list_tests(program))
            here = {name for name, _ in tests}
            self.known |= here
            self.backends |= {backend for _, backend in tests} & set(BACKENDS)
            for name, backend, outcome in run_tests(program, sorted(wanted & here)):
                self.outcomes.setdefault((name, backend), []).append(outcome)
        self.unknown = sorted(wanted - self.known)

    def of_rule(self, rule, backend):
        """The worst outcome of the rule's tests on one backend; None when there are none."""
        # A test that makes no choice of backend is about the one that its rule is about.
        keys = [backend, None] if rule.get("backends") == [backend] else [backend]
        return worst([outcome for name in rule["tests"] for key in keys
                      for outcome in self.outcomes.get((name, key), [])])

    def problems(self, catalogue):
        """Yields a sentence for everything that is not as the page says."""
        for name in self.unknown:
            yield f"no test program has {name}"
        for (name, backend), outcomes in sorted(self.outcomes.items(), key=str):
            if FAILED in outcomes:
                yield f"{name} failed ({backend or 'no backend'})"
        for rule in rules_of(catalogue):
            for backend in rule.get("backends", BACKENDS):
                if backend in self.backends and self.of_rule(rule, backend) != PASSED:
                    yield f"'{rule['rule']}' is not proved on {backend}"


def cell(text):
    return text.replace("|", "\\|").replace("\n", " ")


def row(rule, results):
    ours = "the same"
    if "ours" in rule:
        ours = f"**{rule['ours']}**: {rule['why']}"
    if "because" in rule:
        ours += f" ({rule['because']})"
    tests = "<br>".join(f"`{name}`" for name in rule["tests"])
    marks = []
    for backend in BACKENDS:
        applies = backend in rule.get("backends", BACKENDS)
        # Where a backend cannot be had, the page is compared as if it could.
        outcome = results.of_rule(rule, backend) if backend in results.backends else PASSED
        marks.append(MARKS[outcome if applies else None])
    return "| " + " | ".join([cell(rule["rule"]), cell(rule["asyncio"]), cell(ours), tests,
                              f"`{rule['source']}`", *marks]) + " |"


def render(catalogue, results):
    rules = rules_of(catalogue)
    different = sum("ours" in rule for rule in rules)
    lines = ["<!-- Written by tools/conformance.py from docs/conformance.toml. Do not edit. -->",
             "# Conformance", "", catalogue["introduction"].strip(), "",
             f"{len(rules)} rules, {different} of them different from asyncio on purpose. "
             "✓: every test of the rule that is made for that backend passed on it, in the run "
             "that wrote this page; ·: the rule does not concern that backend. `sim` is the "
             "simulated kernel.", ""]
    for section in catalogue["section"]:
        head = ["rule", "asyncio", "Mayhem", "tests", "source of the rule", *BACKENDS]
        lines += [f"## {section['name']}", "", "| " + " | ".join(head) + " |",
                  "|" + "---|" * len(head)]
        lines += [row(rule, results) for rule in section["rule"]] + [""]
    return "\n".join(lines)


def check(root, programs, write):
    """The problems found, as sentences."""
    catalogue = read_catalogue(root)
    results = Results(programs, catalogue)
    problems = list(results.problems(catalogue))
    page = render(catalogue, results)
    missing = [backend for backend in BACKENDS if backend not in results.backends]
    for backend in missing:
        print(f"# {backend} is refused on this machine: its column was not checked")
    if write and (problems or missing):
        problems.append(f"{PAGE} was not written")
    elif write:
        (root / PAGE).write_text(page, encoding="utf-8")
    elif not (root / PAGE).exists() or (root / PAGE).read_text(encoding="utf-8") != page:
        problems.append(f"{PAGE} is out of date: run tools/conformance.py --write TEST_PROGRAM...")
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    parser.add_argument("--write", action="store_true", help="write the page")
    parser.add_argument("--tap", action="store_true", help="answer as one TAP test, for meson")
    parser.add_argument("programs", nargs="+", type=lambda path: str(Path(path).resolve()),
                        help="the GoogleTest programs")
    options = parser.parse_args()
    try:
        problems = check(options.root, options.programs, options.write)
    except Problem as problem:
        problems = [str(problem)]
    for problem in problems:
        print(("# " if options.tap else "") + problem.replace("\n", "\n# "))
    if options.tap:
        print("1..1\n" + ("not ok" if problems else "ok") + " 1 - the conformance table is true")
    elif not problems:
        print("every rule is proved")
    return bool(problems) and not options.tap


if __name__ == "__main__":
    sys.exit(main())
