"""Tests the pages that the benchmarks' report is: every figure is on them, nothing is fetched, and
what strangers named cannot break them.
"""

import re
import unittest
import xml.etree.ElementTree as ElementTree

import figures_test
import markdown
import page
import plots
import tap
import words


def result(**changes):
    samples = [figures_test.sample(name, ns, size)
               for name, ns in (("ours", 5_000_000), ("raw", 4_000_000), ("fast", 9_000_000))
               for size in (10, 1000)]
    about = {"date": "2026-01-01 00:00 UTC", "commit": "abc", "host": "h", "processors": 2,
             "processor": "<CPU>", "memory_gb": 8, "virtual": True, "system": "Debian",
             "kernel": "6", "compiler": "g++", "python": "3", "governor": ""}
    return {"machine": about, "quick": False, "rounds": 1, "seconds": 0.1,
            "catalogue": figures_test.DATA, "missing": [], "failures": [], "calibrations": [],
            "samples": samples, "counts": [], **changes}


class MarkdownTest(unittest.TestCase):
    def test_a_row_has_the_median_and_the_ratio_to_the_limit(self):
        text = markdown.report(result())
        self.assertRegex(text, r"\| Ours \| 5\.00 \| ±0 % \| 1\.25 × \|")

    def test_goals_say_how_they_went(self):
        text = markdown.report(result())
        self.assertIn("| Ours | 5.00 us | at most 2.00 × raw (8.00 us) | reached |", text)
        self.assertRegex(text, r"at most 0\.50 × best peer, Fast \(4\.50 us\) \| not reached")

    def test_a_goal_that_is_not_reached_has_its_reason(self):
        text = markdown.report(result())
        self.assertEqual(text.count("- Spawning, warm: A place in the registry."), 1)
        self.assertIn("</b>: A place in the registry.</li>", page.report(result()))

    def test_who_is_left_out_is_named_with_the_remedy(self):
        missing = [{"name": "libuv", "why": "it was not built", "remedy": "libuv1-dev"}]
        self.assertIn("libuv: it was not built (`libuv1-dev`)",
                      markdown.report(result(missing=missing)))

    def test_a_session_of_noise_says_so(self):
        noisy = [{**one, "noisy": True} for one in result()["samples"]]
        self.assertIn("The machine was busy", markdown.report(result(samples=noisy)))

    def test_a_session_without_samples_is_still_a_page(self):
        self.assertIn("None measured", markdown.report(result(samples=[])))


class PageTest(unittest.TestCase):
    def setUp(self):
        self.page = page.report(result())

    def test_it_is_well_formed(self):
        inside = self.page.replace("<!doctype html>", "").replace('<meta charset="utf-8">', "")
        ElementTree.fromstring(re.sub(r"<meta [^>]*>", "", inside))

    def test_it_needs_nothing_but_itself(self):
        for word in ("<script", "http://", "https://", "@import", "url(", "<img", "<link"):
            self.assertNotIn(word, self.page)

    def test_it_is_for_phones_and_for_the_dark(self):
        self.assertIn("width=device-width", self.page)
        self.assertIn("prefers-color-scheme: dark", self.page)

    def test_what_others_named_is_escaped(self):
        self.assertIn("&lt;CPU&gt;", self.page)

    def test_each_case_has_bars_and_a_curve_over_its_sizes(self):
        self.assertEqual(self.page.count("<polyline"), 3)
        self.assertIn("1.25 ×", self.page)

    def test_it_has_the_tables_of_the_markdown(self):
        self.assertIn("not reached", self.page)
        self.assertIn("<td>5.00</td>", self.page)


class OverviewTest(unittest.TestCase):
    def page(self, **counters):
        samples = [figures_test.sample("ours", 1, 1000, **counters)]
        return page.report(result(samples=samples))

    def test_the_counts_of_all_cases_are_on_one_map(self):
        self.assertRegex(self.page(allocations=0.0), r"--good\) 25%, transparent\)\">0</td>")
        self.assertRegex(self.page(allocations=10.0), r"--bad\) 60%, transparent\)\">10</td>")

    def test_without_counts_there_is_no_map(self):
        self.assertNotIn("Allocations and system calls", self.page())


class PlotTest(unittest.TestCase):
    def test_ticks_are_round_numbers_within_the_range(self):
        self.assertEqual(plots.ticks(0.5, 12), [0.5, 1, 2, 5, 10])

    def test_a_wide_range_has_powers_of_ten_only(self):
        self.assertEqual(plots.ticks(1, 10_000), [1, 10, 100, 1000, 10_000])

    def test_the_scale_is_logarithmic(self):
        scale = plots.LogScale(1, 100, 0, 200)
        self.assertAlmostEqual(scale.at(10), 100)

    def test_what_is_below_the_range_stays_on_the_plot(self):
        self.assertEqual(plots.LogScale(1, 100, 0, 200).at(0), 0)

    def test_a_speed_up_is_drawn_against_the_ideal_and_told(self):
        drawing = plots.speed_up([("Ours", "mayhem", [(1, 1.0), (2, 1.9)])], "loops")
        self.assertIn("Ours, 1.90 ×", drawing)
        self.assertEqual(drawing.count("<polyline"), 1)

    def test_a_case_that_scales_has_a_speed_up_instead_of_curves(self):
        workload = figures_test.DATA["workload"][0]
        cases = [{**workload["case"][0], "scaling": True}]
        scaling = {**figures_test.DATA, "workload": [{**workload, "case": cases}]}
        self.assertIn("times as fast as with one loop", page.report(result(catalogue=scaling)))

    def test_no_values_no_plot(self):
        self.assertEqual(plots.bars([], "ns", "nothing"), "")
        self.assertEqual(plots.curves([("a", "peer", [(1, 2.0)])], "ns", "one size"), "")
        self.assertEqual(plots.speed_up([("a", "peer", [(1, 1.0)])], "one size"), "")


class WordsTest(unittest.TestCase):
    def test_three_digits(self):
        for value, text in ((0, "0.00"), (0.012, "0.01"), (1.234, "1.23"), (12.34, "12.3"),
                            (99.96, "100"), (1234.5, "1,234"), (0.00667, "0.0067"), (None, "")):
            self.assertEqual(words.number(value), text)

    def test_counts_near_a_whole_number_are_whole(self):
        self.assertEqual(words.per_operation(2.0004), "2")
        self.assertEqual(words.per_operation(0.00001), "0")
        self.assertEqual(words.per_operation(1.5), "1.50")


if __name__ == "__main__":
    tap.main()
