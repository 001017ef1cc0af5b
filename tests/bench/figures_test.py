"""Tests the arithmetic of the benchmarks' report: medians, noise, ratios, goals.

A report that is wrong by a factor looks as good as one that is right, so every number in it comes
from functions that are tested here with numbers that can be checked by hand.
"""

import unittest

import catalogue
import figures
import tap

DATA = {
    "competitor": [
        {"id": "ours", "name": "Ours", "kind": "mayhem", "program": "mayhem"},
        {"id": "raw", "name": "raw", "kind": "limit", "program": "raw"},
        {"id": "fast", "name": "Fast", "kind": "peer", "program": "fast"},
        {"id": "slow", "name": "Slow", "kind": "python", "program": "python"},
    ],
    "workload": [{
        "id": "spawn", "title": "Spawning", "text": "",
        "competitors": ["ours", "raw", "fast", "slow"],
        "case": [
            {"id": "warm", "title": "warm", "unit": "us", "sizes": [10, 1000],
             "why": "A place in the registry.",
             "goals": [{"at_most": 2, "times": "raw", "size": 1000},
                       {"at_most": 0.5, "times": "best peer"}, {"at_most": 0.01}]},
            {"id": "late", "title": "late", "benchmark": "warm", "measure": "late_us",
             "unit": "us"},
        ],
    }],
}


def sample(competitor, ns, size=1000, noisy=False, **counters):
    return {"workload": "spawn", "benchmark": "warm", "size": size, "competitor": competitor,
            "noisy": noisy, "counters": {"real_time": ns, "operations": size, **counters}}


class FigureTest(unittest.TestCase):
    def test_the_median_and_quartiles_of_five(self):
        found = figures.figure([5, 1, 3, 2, 4], [False] * 5)
        self.assertEqual((found.low, found.median, found.high, found.best), (2, 3, 4, 1))

    def test_one_sample_is_its_own_median(self):
        found = figures.figure([7.0], [False])
        self.assertEqual((found.low, found.median, found.high), (7.0, 7.0, 7.0))

    def test_noisy_samples_are_left_out_while_three_calm_ones_remain(self):
        found = figures.figure([1, 2, 3, 90, 99], [False, False, False, True, True])
        self.assertEqual((found.median, found.count, found.calm), (2, 3, True))

    def test_with_too_few_calm_ones_all_count_and_it_is_said(self):
        found = figures.figure([1, 2, 90, 99], [False, False, True, True])
        self.assertEqual((found.median, found.count, found.calm), (46, 4, False))

    def test_a_session_of_noise_alone_still_has_figures(self):
        self.assertFalse(figures.figure([5], [True]).calm)

    def test_the_spread_is_half_the_distance_of_the_quartiles(self):
        self.assertAlmostEqual(figures.figure([1, 2, 3, 4, 5], [False] * 5).spread, 1 / 3)


class NoiseTest(unittest.TestCase):
    def test_a_slow_calibration_marks_both_its_neighbours(self):
        times = [{"user_us": value} for value in (100, 100, 130, 100, 105)]
        self.assertEqual(figures.mark_noise(times), [False, True, True, False])

    def test_the_kernel_alone_may_be_slow(self):
        times = [{"user_us": 1, "kernel_us": 10}, {"user_us": 1, "kernel_us": 12}]
        self.assertEqual(figures.mark_noise(times), [True])


class ResultsTest(unittest.TestCase):
    def setUp(self):
        self.catalogue = catalogue.parse(DATA)
        self.spawn = self.catalogue.workload("spawn")
        self.warm, self.late = self.spawn.cases

    def results(self, *samples, counts=()):
        return figures.Results(self.catalogue, samples, counts)

    def test_a_time_is_per_operation_and_in_the_unit_of_the_case(self):
        results = self.results(sample("ours", 6_000_000))
        self.assertEqual(results.get(self.spawn, self.warm, 1000, "ours").median, 6.0)

    def test_a_counter_is_taken_as_it_is(self):
        results = self.results(sample("ours", 6_000_000, late_us=25.0))
        self.assertEqual(results.get(self.spawn, self.late, 1000, "ours").median, 25.0)

    def test_who_lacks_the_counter_has_no_figure(self):
        results = self.results(sample("ours", 6_000_000))
        self.assertIsNone(results.get(self.spawn, self.late, 1000, "ours"))

    def test_sizes_are_kept_apart(self):
        results = self.results(sample("ours", 6_000_000), sample("ours", 10_000, size=10))
        self.assertEqual(results.sizes(self.spawn, self.warm), [10, 1000])
        self.assertEqual(results.get(self.spawn, self.warm, 10, "ours").median, 1.0)

    def test_counts_and_allocations_are_together(self):
        counts = [{"workload": "spawn", "benchmark": "warm", "size": 1000, "competitor": "ours",
                   "counts": {"instructions": 99.0}}]
        results = self.results(sample("ours", 1, allocations=2.0), counts=counts)
        self.assertEqual(results.extra(self.spawn, self.warm, 1000, "ours"),
                         {"allocations": 2.0, "instructions": 99.0})

    def verdicts(self, *samples):
        return {verdict.goal.times: verdict for verdict in figures.verdicts(self.results(*samples))}

    def test_a_goal_relative_to_the_limit(self):
        raw = sample("raw", 3_000_000)
        self.assertTrue(self.verdicts(raw, sample("ours", 5_900_000))["raw"].reached)
        self.assertFalse(self.verdicts(raw, sample("ours", 6_100_000))["raw"].reached)

    def test_the_best_peer_is_neither_the_limit_nor_ourselves(self):
        verdict = self.verdicts(sample("raw", 1_000), sample("fast", 8_000_000),
                                sample("slow", 9_000_000), sample("ours", 4_000_000))["best peer"]
        self.assertEqual((verdict.bound, verdict.reference), (4.0, "fast"))
        self.assertTrue(verdict.reached)

    def test_a_goal_relative_to_itself_at_another_size(self):
        self.warm = self.of_itself()
        faster = sample("ours", 5_000), sample("ours", 100, size=10)
        self.assertEqual([(one.bound, one.reached) for one in figures.verdicts(
            self.results(*faster))], [(0.006, True)])

    def of_itself(self):
        """Ten times as many for less than the time of each before: a goal of the size 1000."""
        goal = {"at_most": 0.6, "times": "itself", "size": 1000, "than_size": 10}
        case = {"id": "warm", "title": "", "unit": "us", "sizes": [10, 1000], "goals": [goal]}
        self.catalogue = catalogue.parse({**DATA, "workload": [{**DATA["workload"][0],
                                                                "case": [case]}]})
        self.spawn = self.catalogue.workload("spawn")
        return self.spawn.cases[0]

    def test_a_speed_up_is_relative_to_the_smallest_size(self):
        results = self.results(sample("ours", 1_000_000, size=10), sample("ours", 50_000_000))
        self.assertEqual(results.speed_up(self.spawn, self.warm, "ours"), [(10, 1.0), (1000, 2.0)])

    def test_who_lacks_the_smallest_size_has_no_speed_up(self):
        results = self.results(sample("ours", 1_000_000), sample("raw", 1_000_000, size=10))
        self.assertEqual(results.speed_up(self.spawn, self.warm, "ours"), [])

    def test_a_bound_is_in_the_unit_of_the_case(self):
        self.assertTrue(self.verdicts(sample("ours", 10_000))[""].reached)
        self.assertFalse(self.verdicts(sample("ours", 10_001))[""].reached)

    def test_without_the_other_there_is_no_verdict(self):
        self.assertIsNone(self.verdicts(sample("ours", 1_000))["raw"].reached)

    def test_where_the_size_of_a_goal_was_not_run_there_is_no_verdict(self):
        self.assertIsNone(self.verdicts(sample("ours", 1, size=10), sample("raw", 1, size=10))
                          ["raw"].reached)

    def test_a_goal_without_a_size_is_asked_of_the_largest(self):
        found = self.verdicts(sample("ours", 1), sample("ours", 1, size=10))
        self.assertEqual(found[""].size, 1000)


class CatalogueTest(unittest.TestCase):
    def refused(self, change):
        data = {"competitor": [dict(one) for one in DATA["competitor"]],
                "workload": [{**DATA["workload"][0], **change}]}
        with self.assertRaises(catalogue.CatalogueError) as caught:
            catalogue.parse(data)
        return str(caught.exception)

    def test_an_unknown_competitor_is_refused(self):
        self.assertIn("nobody", self.refused({"competitors": ["ours", "nobody"]}))

    def test_an_unknown_field_is_refused_with_its_place(self):
        case = {"id": "warm", "title": "warm", "goal": 3}
        self.assertIn("case warm", self.refused({"case": [case]}))

    def test_a_unit_that_is_no_time_is_refused(self):
        self.assertIn("furlong", self.refused({"case": [{"id": "warm", "title": "", "unit":
                                                         "furlong"}]}))

    def test_a_goal_relative_to_nobody_is_refused(self):
        goal = {"at_most": 1, "times": "nobody"}
        self.assertIn("nobody", self.refused({"case": [{"id": "warm", "title": "",
                                                        "goals": [goal]}]}))

    def test_what_is_counted_is_what_goals_speak_of_or_the_largest(self):
        warm, late = catalogue.parse(DATA).workload("spawn").cases
        self.assertEqual((warm.sizes_to_count(), late.sizes_to_count()), ({1000}, {0}))

    def test_the_file_of_this_tree_holds_together(self):
        everything, _ = catalogue.load()
        self.assertTrue(everything.workloads)

    def test_every_competitor_has_its_program(self):
        for workload in catalogue.load()[0].workloads:
            folder = catalogue.BENCH / workload.id
            built = (folder / "meson.build").read_text(encoding="utf-8")
            for name in workload.competitors:
                competitor = catalogue.load()[0].competitors[name]
                with self.subTest(workload=workload.id, competitor=name):
                    if competitor.kind == "python":
                        self.assertTrue((folder / "python.py").exists())
                    else:
                        self.assertIn(f"'{workload.id}_{competitor.program}'", built)


if __name__ == "__main__":
    tap.main()
