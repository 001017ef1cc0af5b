"""One session: all competitors of all workloads, interleaved in rounds, with the noise noted.

Why it is here: two programs that are measured minutes apart are measured on different machines. In
each round every competitor has its turn, in an order that moves on from round to round, and between
two turns the calibrator says whether the machine was calm.
"""

import sys
import time

import counting
import figures
import machine
import programs


class Progress:
    """One line on a terminal that is written over; elsewhere, a line per round."""

    def __init__(self, total):
        self.total = total
        self.done = 0
        self.begin = time.monotonic()
        self.line_lives = sys.stderr.isatty()

    def step(self, text):
        self.done += 1
        if not self.line_lives:
            return
        passed = time.monotonic() - self.begin
        left = passed / self.done * (self.total - self.done)
        print(f"\r\033[K[{self.done}/{self.total}] {text}, {left:.0f} s left", end="",
              file=sys.stderr, flush=True)

    def note(self, text):
        print(("\r\033[K" if self.line_lives else "") + text, file=sys.stderr, flush=True)


class Session:
    """Collects samples; `samples`, `missing` and `failures` are what the report is made from."""

    def __init__(self, build, catalogue, workloads, rounds, seconds, quick):
        self.build, self.catalogue, self.workloads = build, catalogue, workloads
        self.rounds, self.seconds, self.quick = rounds, seconds, quick
        self.samples, self.calibrations, self.counts = [], [], []
        self.missing, self.failures = {}, []
        self._batch = []

    def field(self, workload):
        """Who can take part; who cannot is noted with the remedy."""
        able = []
        for name in workload.competitors:
            competitor = self.catalogue.competitors[name]
            program = programs.executable(self.build, workload, competitor)
            why = machine.why_missing(competitor, program)
            if why is None:
                able.append(competitor)
            else:
                self.missing[name] = {"name": competitor.name, "why": why[0], "remedy": why[1]}
        return able

    def plan(self):
        """[(workload, case, its competitors)] of one round."""
        steps = []
        for workload in self.workloads:
            able = self.field(workload)
            steps += [(workload, case, able) for case in workload.benchmarks(self.quick)]
        return steps

    def run(self):
        steps = self.plan()
        progress = Progress(sum(len(able) * self.rounds_of(case) for _, case, able in steps))
        for number in range(self.rounds):
            for workload, case, able in steps:
                if number < self.rounds_of(case):
                    self.turn(number, workload, case, able, progress)
            progress.note(f"round {number + 1} of {self.rounds} is done")
        self.mark_noise()

    def rounds_of(self, case):
        """Cases that take long say how often they are worth it; once, in a quick session."""
        if case.rounds and self.quick:
            return 1
        return min(self.rounds, case.rounds or self.rounds)

    def turn(self, number, workload, case, able, progress):
        """Each competitor once. Who begins changes, so that none is always after the same one."""
        start = number % len(able) if able else 0
        batch = [programs.calibrate(self.build, workload)]
        taken = []
        for competitor in able[start:] + able[:start]:
            progress.step(f"round {number + 1}: {workload.id} {case.benchmark}, {competitor.name}")
            found = self.sample(workload, case, competitor)
            batch.append(programs.calibrate(self.build, workload))
            taken.append([{"workload": workload.id, "benchmark": case.benchmark, "size": size,
                           "competitor": competitor.id, "round": number, "counters": counters}
                          for size, counters in found])
        self._batch.append((batch, taken))

    def sample(self, workload, case, competitor):
        if any(one[:3] == (workload.id, case.benchmark, competitor.id) for one in self.failures):
            return []
        try:
            return programs.measure(self.build, workload, case, competitor, self.seconds,
                                    self.quick)
        except programs.Failed as error:
            self.failures.append((workload.id, case.benchmark, competitor.id, str(error)))
            return []

    def mark_noise(self):
        """What calm means is known only at the end."""
        everything = [one for batch, _ in self._batch for one in batch]
        best = {key: min(one[key] for one in everything) for key in everything[0]}
        for batch, taken in self._batch:
            noisy = figures.mark_noise([best, *batch])[1:]
            for found, bad in zip(taken, noisy, strict=True):
                self.samples += [{**sample, "noisy": bad} for sample in found]
        self.calibrations = everything

    def count(self):
        """Instructions and system calls per operation: once each, since noise cannot touch them."""
        names = {competitor.id: competitor for competitor in self.catalogue.competitors.values()}
        done = set()
        keys = [(workload, case, sample["size"], sample["competitor"])
                for workload in self.workloads if not workload.script
                for case in workload.benchmarks()
                for sample in self.samples
                if (sample["workload"], sample["benchmark"]) == (workload.id, case.benchmark)
                and sample["size"] in case.sizes_to_count()
                and case.is_counted(sample["competitor"])
                and names[sample["competitor"]].kind != "python"]
        progress = Progress(len({(w.id, c.id, size, name) for w, c, size, name in keys}))
        for workload, case, size, name in keys:
            key = (workload.id, case.benchmark, size, name)
            if key in done:
                continue
            done.add(key)
            progress.step(f"counting: {workload.id} {case.benchmark}, {names[name].name}")
            operations = counting.operations_per_iteration(self.samples, key)
            counts = counting.count(self.build, workload, case, size, names[name], operations)
            self.counts.append({"workload": workload.id, "benchmark": case.benchmark, "size": size,
                                "competitor": name, "counts": counts})
