#!/usr/bin/env python3
"""Counts test cases and shows the failing ones, from the files that `meson test` left.

Why it is here: meson counts test programs, each of which holds hundreds of cases, and a reader of
a failure wants the output of the one case that failed. It trusts no file alone: a program that
crashed leaves an incomplete record or none, so whatever meson calls failed counts as a failure here
even if no case of it does.

usage: report.py CONFIGURATION=BUILD_DIRECTORY...   an empty directory: that build failed
       report.py --choose NAME BUILD_DIRECTORY      the meson tests to run for `tools/test NAME`
"""

import json
import re
import signal
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

OUTPUT_LINES_MAX = 80
FAILURES_SHOWN_MAX = 12


class Counts:
    """How many cases of one configuration, or of all, ended which way."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.seconds = 0.0

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.seconds += other.seconds


def meson_runs(directory):
    """What meson says of each test program: one JSON object per line."""
    log = directory / "meson-logs" / "testlog.json"
    if not log.exists():
        return []
    with log.open(encoding="utf-8", errors="replace") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def junit_cases(directory):
    """Yields (suite, case, outcome) for every test case in meson's summary."""
    report = directory / "meson-logs" / "testlog.junit.xml"
    if not report.exists():
        return
    for suite in ElementTree.parse(report).getroot().iter("testsuite"):
        for case in suite.iter("testcase"):
            name = case.get("name", "?")
            if case.get("status"):  # only GoogleTest writes this; its cases have a class
                name = case.get("classname", "?") + "." + name
            if case.find("failure") is not None or case.find("error") is not None:
                yield suite.get("name", ""), name, "failed"
            elif case.find("skipped") is not None or case.get("status") == "notrun":
                yield suite.get("name", ""), name, "skipped"
            else:
                yield suite.get("name", ""), name, "passed"


def output_of_case(output, case):
    """The part of a program's output that belongs to one case, of GoogleTest or TAP."""
    tap = re.search(rf"^not ok {re.escape(case)}\n(#.*\n?)*", output, re.MULTILINE)
    if tap:
        return tap[0]
    begin = output.find(f"[ RUN      ] {case}\n")
    if begin < 0:
        return ""
    end = re.compile(r"^\[  FAILED  \] .*$", re.MULTILINE).search(output, begin)
    return output[begin:end.end()] if end else output[begin:]


def output_of_crash(output):
    """From the last case that was started: the one during which the program died."""
    begin = output.rfind("[ RUN      ] ")
    return output[begin:] if begin >= 0 else output


def show(title, output):
    lines = output.strip().splitlines()
    print(f"\n--- FAILED {title}")
    if len(lines) > OUTPUT_LINES_MAX:
        half = OUTPUT_LINES_MAX // 2
        dropped = len(lines) - OUTPUT_LINES_MAX
        lines = [*lines[:half], f"... {dropped} lines left out ...", *lines[-half:]]
    print("\n".join(lines) or "(no output)")


def test_name(run):
    """meson writes `name`, or `project:suite / name` if the test has suites."""
    return run["name"].split(" / ", 1)[-1]


def ended_with(status):
    try:
        return f"killed by {signal.Signals(-status).name}"
    except (TypeError, ValueError):
        return f"exit status {status}"


def failures_of(run, cases):
    """The failures inside one program that meson calls failed: (what, its output)."""
    output = run.get("stdout", "") + run.get("stderr", "")
    failed = [case for _, case, outcome in cases if outcome == "failed"]
    if run["result"] in ("TIMEOUT", "INTERRUPT"):
        return [(f"{run['result'].lower()} after {run['duration']:.0f} s", output_of_crash(output))]
    if failed and failed != [run["name"]]:
        return [(case, output_of_case(output, case) or output) for case in failed]
    return [(ended_with(run.get("returncode")), output_of_crash(output))]


def report_configuration(configuration, directory):
    """Shows what failed in one configuration and counts its cases."""
    counts = Counts()
    if directory is None:
        counts.failed = 1
        print(f"\n--- FAILED {configuration}: the build (see above)")
        return counts
    by_test = {}
    for suite, case, outcome in junit_cases(directory):
        by_test.setdefault(suite, []).append((suite, case, outcome))
    shown = 0
    for run in meson_runs(directory):
        name = test_name(run)
        counts.seconds += run.get("duration", 0.0)
        # GoogleTest programs have suites called project.test.suite, TAP ones project.test; tests
        # that are one case share the suite of the project.
        cases = [entry for suite, entries in by_test.items() for entry in entries
                 if f".{run['name']}." in suite + "."
                 or ("." not in suite and entry[1] == run["name"])]
        counts.passed += sum(outcome == "passed" for _, _, outcome in cases)
        counts.skipped += sum(outcome == "skipped" for _, _, outcome in cases)
        if run["result"] in ("OK", "EXPECTEDFAIL"):
            continue
        if run["result"] == "SKIP":
            counts.skipped += not cases
            continue
        failures = failures_of(run, cases)
        counts.failed += len(failures)
        if not any(outcome == "failed" for _, _, outcome in cases):
            # A program that reported success and then died: that case is not a pass.
            counts.passed -= any(case == run["name"] for _, case, _ in cases)
        for what, output in failures:
            shown += 1
            if shown <= FAILURES_SHOWN_MAX:
                show(f"[{configuration}] {name}: {what}", output)
    if shown > FAILURES_SHOWN_MAX:
        print(f"\n{shown - FAILURES_SHOWN_MAX} more failures: {directory}/meson-logs/testlog.txt")
    return counts


def report(arguments):
    total = Counts()
    lines = []
    for argument in arguments:
        configuration, _, directory = argument.partition("=")
        counts = report_configuration(configuration, Path(directory) if directory else None)
        if directory and counts.passed + counts.failed == 0:
            print(f"\n--- FAILED {configuration}: no test ran")
            counts.failed = 1
        lines.append(f"{configuration}: {counts.passed} passed, {counts.failed} failed, "
                     f"{counts.skipped} skipped in {counts.seconds:.0f} s of tests")
        total.add(counts)
    print()
    if len(lines) > 1 or total.skipped:
        print("\n".join(lines))
    print(f"{total.passed} passed, {total.failed} failed")
    return 1 if total.failed else 0


def choose(name, directory):
    """GoogleTest programs are all run, with a filter; the others only if they are called so."""
    answer = subprocess.run(["meson", "introspect", "--tests", directory], check=True,
                            stdout=subprocess.PIPE, text=True).stdout
    for test in json.loads(answer):
        if test["protocol"] == "gtest" or name in test["name"]:
            print(test["name"])


if __name__ == "__main__":
    if sys.argv[1:2] == ["--choose"] and len(sys.argv) == 4:
        choose(sys.argv[2], sys.argv[3])
    elif len(sys.argv) > 1 and "=" in sys.argv[1]:
        sys.exit(report(sys.argv[1:]))
    else:
        sys.exit(__doc__)
