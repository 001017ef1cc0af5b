"""Reads workloads.toml: what is measured, by whom, and what would be good enough.

Why it is here: the runner and the report must agree on names, units and goals, so both get them
from one file through this one reader. It refuses a file that contradicts itself, with the place.
"""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

BENCH = Path(__file__).resolve().parent.parent

# Nanoseconds in the units that times are shown in; other units are shown as they were counted.
TIME_UNITS = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}
TIMES = ("real_time", "cpu_time")
KINDS = ("mayhem", "limit", "peer", "python")


class CatalogueError(Exception):
    """The file contradicts itself; the text says where."""


@dataclass(frozen=True)
class Competitor:
    """One program in one set-up."""

    id: str
    name: str
    kind: str
    program: str
    environment: dict = field(default_factory=dict)
    needs: str = ""
    package: str = ""


@dataclass(frozen=True)
class Goal:
    """What a competitor's value should be: a bound, or a ratio to somebody else's value, or with
    `times` "itself" to its own at another size, `than_size`."""

    at_most: float
    times: str = ""
    of: tuple = ()
    size: int = 0
    than_size: int = 0


@dataclass(frozen=True)
class Case:
    """One figure: a benchmark of each program, and what of its output is read."""

    id: str
    title: str
    text: str = ""
    benchmark: str = ""
    measure: str = "real_time"
    unit: str = "ns"
    sizes: tuple = ()
    quick_sizes: tuple = ()
    quick: bool = True  # false: not in a quick session
    rounds: int = 0
    counted: bool | tuple = True  # or of whom: where others use threads, no two counts are alike
    plot: bool = True
    scaling: bool = False  # sizes are loops, and the plot says how many times as fast
    goals: tuple = ()
    why: str = ""  # shown when a goal is not reached: the reason, as far as it is known

    def is_counted(self, competitor):
        if isinstance(self.counted, tuple):
            return competitor in self.counted
        return self.counted

    def sizes_to_count(self):
        """Counting takes a second for each, so it is done for the sizes that goals speak of."""
        return {goal.size for goal in self.goals if goal.size} or {max(self.sizes, default=0)}

    def sizes_for(self, quick):
        return (self.quick_sizes or self.sizes) if quick else self.sizes


@dataclass(frozen=True)
class Workload:
    """A folder below bench/ and what its programs measure."""

    id: str
    title: str
    text: str
    competitors: tuple
    cases: tuple
    processors: int = 1
    script: str = ""

    def benchmarks(self, quick=False):
        """The cases that are run: several figures may be read from one."""
        first = {}
        for case in self.cases:
            if case.quick or not quick:
                first.setdefault(case.benchmark, case)
        return list(first.values())


@dataclass(frozen=True)
class Catalogue:
    """The whole file."""

    competitors: dict
    workloads: tuple

    def workload(self, name):
        for workload in self.workloads:
            if workload.id == name:
                return workload
        known = ", ".join(workload.id for workload in self.workloads)
        raise CatalogueError(f"there is no workload {name}; there are {known}")


def _make(kind, place, fields):
    """An object of `kind`; unknown and missing fields are named."""
    try:
        return kind(**{key: tuple(value) if isinstance(value, list) else value
                       for key, value in fields.items()})
    except TypeError as error:
        raise CatalogueError(f"{place}: {error}") from None


def _case(place, fields):
    fields = {"benchmark": fields.get("id", ""), **fields}
    fields["goals"] = [_make(Goal, f"{place}: goal", goal) for goal in fields.get("goals", [])]
    return _make(Case, place, fields)


def parse(data):
    """A Catalogue from what the file holds, which may come back from a result's JSON."""
    competitors = {}
    for fields in data["competitor"]:
        competitor = _make(Competitor, f"competitor {fields.get('id')}", fields)
        competitors[competitor.id] = competitor
    workloads = []
    for fields in data["workload"]:
        place = f"workload {fields.get('id')}"
        cases = [_case(f"{place}, case {case.get('id')}", case) for case in fields["case"]]
        rest = {key: value for key, value in fields.items() if key != "case"}
        workloads.append(_make(Workload, place, {**rest, "cases": cases}))
    catalogue = Catalogue(competitors, tuple(workloads))
    _check(catalogue)
    return catalogue


def _check(catalogue):
    for competitor in catalogue.competitors.values():
        if competitor.kind not in KINDS:
            raise CatalogueError(f"competitor {competitor.id}: kind {competitor.kind}")
    for workload in catalogue.workloads:
        for name in workload.competitors:
            if name not in catalogue.competitors:
                raise CatalogueError(f"workload {workload.id}: no competitor {name}")
        for case in workload.cases:
            _check_case(catalogue, workload, case)


def _check_case(catalogue, workload, case):
    place = f"workload {workload.id}, case {case.id}"
    if case.measure in TIMES and case.unit not in TIME_UNITS:
        raise CatalogueError(f"{place}: {case.unit} is no unit of time")
    for name in case.counted if isinstance(case.counted, tuple) else ():
        if name not in workload.competitors:
            raise CatalogueError(f"{place}: counts of {name}, who does not take part")
    for goal in case.goals:
        if goal.times not in {"", "best peer", "itself", *catalogue.competitors}:
            raise CatalogueError(f"{place}: goal relative to {goal.times}, which does not exist")
        for name in goal.of:
            if name not in workload.competitors:
                raise CatalogueError(f"{place}: goal of {name}, who does not take part")


def load(path=BENCH / "workloads.toml"):
    """(the Catalogue, the data it was made from)."""
    with open(path, "rb") as file:
        data = tomllib.load(file)
    return parse(data), data
