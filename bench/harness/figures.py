"""From samples to figures: medians, spreads, ratios, and whether a goal is reached.

Why it is here: everything that a reader of the report believes is computed in this file, and in no
other. It knows no files and no programs; tests/bench/figures_test.py has the arithmetic.
"""

import statistics
from dataclasses import dataclass

from catalogue import TIME_UNITS, TIMES

# A sample is noisy when the calibrator beside it was slower than this, compared with its best.
CALM_AT_MOST = 1.10
# Fewer calm samples than this say less than all samples do.
CALM_SAMPLES_MIN = 3


@dataclass(frozen=True)
class Figure:
    """What one competitor has for one case and size."""

    median: float
    low: float  # first quartile
    high: float  # third quartile
    best: float
    count: int
    calm: bool  # whether noisy samples could be left out

    @property
    def spread(self):
        """Half the distance between the quartiles, relative to the median."""
        return (self.high - self.low) / 2 / self.median if self.median else 0.0


def quartiles(values):
    """First quartile, median, third quartile; interpolated, the ends included."""
    ordered = sorted(values)
    if len(ordered) == 1:
        return ordered[0], ordered[0], ordered[0]
    low, middle, high = statistics.quantiles(ordered, n=4, method="inclusive")
    return low, middle, high


def figure(values, noisy):
    """One Figure from samples; `noisy` says of each whether the machine was busy."""
    calm = [value for value, bad in zip(values, noisy, strict=True) if not bad]
    only_calm = len(calm) >= min(CALM_SAMPLES_MIN, len(values)) and bool(calm)
    used = calm if only_calm else list(values)
    low, middle, high = quartiles(used)
    return Figure(middle, low, high, min(used), len(used), only_calm)


def mark_noise(calibrations):
    """For calibrations before, between and after samples: which samples had a slow neighbour.

    Each calibration is a dict of times; the best of each in the session is what calm means.
    """
    best = {key: min(one[key] for one in calibrations) for key in calibrations[0]}
    slow = [any(one[key] > best[key] * CALM_AT_MOST for key in best) for one in calibrations]
    return [before or after for before, after in zip(slow, slow[1:])]


def value_of(case, counters):
    """The value of a case in its unit, from what a program printed; None when it has none."""
    value = counters.get(case.measure)
    if value is None:
        return None
    if case.measure in TIMES:
        return value / counters.get("operations", 1) / TIME_UNITS[case.unit]
    return value


class Results:
    """The figures of one session: by workload, case, size and competitor."""

    def __init__(self, catalogue, samples, counts=()):
        self.catalogue = catalogue
        self._figures = {}
        self._extra = {}
        grouped = {}
        for sample in samples:
            key = (sample["workload"], sample["benchmark"], sample["size"], sample["competitor"])
            grouped.setdefault(key, []).append(sample)
        for workload in catalogue.workloads:
            for case in workload.cases:
                self._add(workload, case, grouped)
        for count in counts:
            key = (count["workload"], count["benchmark"], count["size"], count["competitor"])
            self._extra.setdefault(key, {}).update(count["counts"])

    def _add(self, workload, case, grouped):
        for (name, benchmark, size, competitor), samples in grouped.items():
            if (name, benchmark) != (workload.id, case.benchmark):
                continue
            pairs = [(value_of(case, one["counters"]), one["noisy"]) for one in samples]
            pairs = [(value, noisy) for value, noisy in pairs if value is not None]
            if not pairs:
                continue
            key = (workload.id, case.id, size, competitor)
            self._figures[key] = figure(*zip(*pairs))
            allocations = [one["counters"]["allocations"] for one in samples
                           if "allocations" in one["counters"]]
            if allocations:
                extra = self._extra.setdefault((name, benchmark, size, competitor), {})
                extra["allocations"] = min(allocations)

    def get(self, workload, case, size, competitor):
        return self._figures.get((workload.id, case.id, size, competitor))

    def extra(self, workload, case, size, competitor):
        """What an operation costs besides time: allocations, system calls, instructions."""
        return self._extra.get((workload.id, case.benchmark, size, competitor), {})

    def sizes(self, workload, case):
        return sorted({key[2] for key in self._figures if key[:2] == (workload.id, case.id)})

    def competitors(self, workload, case, size):
        """Who has a figure, in the order of the catalogue."""
        return [name for name in workload.competitors
                if self.get(workload, case, size, name) is not None]

    def speed_up(self, workload, case, name):
        """[(size, how many times as fast as the smallest size)] of a case that scales."""
        sizes = self.sizes(workload, case)
        found = [(size, self.get(workload, case, size, name)) for size in sizes]
        values = [(size, one.median) for size, one in found if one and one.median]
        if len(values) < 2 or values[0][0] != sizes[0]:
            return []
        return [(size, values[0][1] / value) for size, value in values]

    def of_kind(self, workload, case, size, kinds):
        found = [(self.get(workload, case, size, name).median, name)
                 for name in self.competitors(workload, case, size)
                 if self.catalogue.competitors[name].kind in kinds]
        return sorted(found)

    def limit(self, workload, case, size):
        """The best of the raw programs: (its value, its id), or None."""
        limits = self.of_kind(workload, case, size, ("limit",))
        return limits[0] if limits else None


@dataclass(frozen=True)
class Verdict:
    """How a goal went for one competitor."""

    workload: object
    case: object
    goal: object
    size: int
    competitor: str
    value: float | None  # None: not measured
    bound: float | None  # in the case's unit
    reference: str  # whose value the bound is a multiple of

    @property
    def reached(self):
        if self.value is None or self.bound is None:
            return None
        return self.value <= self.bound


def bound_of(results, workload, case, goal, size, name):
    """(the bound for competitor `name`, who it comes from), or (None, why not)."""
    if not goal.times:
        return goal.at_most, ""
    if goal.times == "best peer":
        peers = results.of_kind(workload, case, size, ("peer", "python"))
        if not peers:
            return None, goal.times
        return goal.at_most * peers[0][0], peers[0][1]
    if goal.times == "itself":
        reference = results.get(workload, case, goal.than_size, name)
    else:
        reference = results.get(workload, case, size, goal.times)
    return (goal.at_most * reference.median if reference else None), goal.times


def verdicts(results):
    """One Verdict for each goal and each competitor that it is asked of."""
    found = []
    for workload in results.catalogue.workloads:
        for case in workload.cases:
            sizes = results.sizes(workload, case)
            if not sizes:
                continue
            for goal in case.goals:
                size = goal.size or sizes[-1]
                for name in goal.of or _ours(results.catalogue, workload):
                    bound, reference = bound_of(results, workload, case, goal, size, name)
                    mine = results.get(workload, case, size, name)
                    value = mine.median if mine else None
                    found.append(Verdict(workload, case, goal, size, name, value, bound, reference))
    return found


def missed(found):
    """The cases of which a goal is not reached, each with the reason: [(workload, case, why)]."""
    cases = {(verdict.workload.id, verdict.case.id): (verdict.workload, verdict.case)
             for verdict in found if verdict.reached is False}
    return [(workload, case, case.why or "No reason is known.")
            for workload, case in cases.values()]


def _ours(catalogue, workload):
    return [name for name in workload.competitors
            if catalogue.competitors[name].kind == "mayhem"]
