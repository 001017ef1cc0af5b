"""Tests how bench/run talks with programs: what it makes of their output, and of their failures.

The programs are made here, in Python; nothing is measured.
"""

import json
import os
import stat
import tempfile
import unittest
from pathlib import Path

import catalogue
import figures_test
import programs
import session
import tap


def entry(name, time, **more):
    return {"name": name, "real_time": time, "cpu_time": time, "time_unit": "ns", **more}


class ParseTest(unittest.TestCase):
    def parse(self, *entries):
        return list(programs.parse(json.dumps({"benchmarks": entries})))

    def test_a_name_is_a_case_and_a_size(self):
        (name, size, _), = self.parse(entry("pairs/100/iterations:1/real_time", 5))
        self.assertEqual((name, size), ("pairs", 100))

    def test_a_case_without_a_size(self):
        (name, size, _), = self.parse(entry("child/iterations:3", 5))
        self.assertEqual((name, size), ("child", 0))

    def test_times_come_in_nanoseconds(self):
        (_, _, counters), = self.parse({**entry("child", 5), "time_unit": "ms"})
        self.assertEqual(counters["real_time"], 5e6)

    def test_an_error_of_a_benchmark_is_a_failure(self):
        with self.assertRaisesRegex(programs.Failed, "no ring"):
            self.parse(entry("child", 0, error_occurred=True, error_message="no ring"))

    def test_what_is_not_json_is_a_failure(self):
        with self.assertRaises(programs.Failed):
            list(programs.parse("Segmentation fault"))


class SessionTest(unittest.TestCase):
    """A session over programs that answer at once."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.build = Path(folder.name)
        (self.build / "bench").mkdir()
        self.program("calibrate", 'print(\'{"user_us": 1, "kernel_us": 1}\')')
        self.catalogue = catalogue.parse(figures_test.DATA)
        self.workload = self.catalogue.workload("spawn")

    def program(self, name, text):
        path = self.build / "bench" / name
        path.write_text(f"#!/usr/bin/env python3\nimport os, sys\n{text}\n", encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def answering(self, name, time):
        self.program(name, "import json\nprint(json.dumps({'benchmarks': [{'name': f'warm/{size}',"
                           f" 'real_time': {time}, 'time_unit': 'ns'}} for size in"
                           " os.environ['BENCH_SIZES'].split(',')]}))")

    def run_session(self, rounds=2):
        running = session.Session(self.build, self.catalogue, [self.workload], rounds, 0.01, False)
        with open(os.devnull, "w", encoding="utf-8") as nowhere:
            session.sys.stderr, kept = nowhere, session.sys.stderr
            try:
                running.run()
            finally:
                session.sys.stderr = kept
        return running

    def test_each_has_a_sample_per_round_and_size(self):
        self.answering("spawn_mayhem", 5)
        self.answering("spawn_raw", 4)
        running = self.run_session()
        mine = [one for one in running.samples if one["competitor"] == "ours"]
        self.assertEqual([(one["round"], one["size"]) for one in mine],
                         [(0, 10), (0, 1000), (1, 10), (1, 1000)])

    def test_another_begins_in_each_round(self):
        self.answering("spawn_mayhem", 5)
        self.answering("spawn_raw", 4)
        order = [one["competitor"] for one in self.run_session().samples if one["size"] == 10]
        self.assertEqual(order[:2] + order[2:4], ["ours", "raw", "raw", "ours"])

    def test_a_quick_session_leaves_out_what_is_not_quick(self):
        data = figures_test.DATA["workload"][0]
        cases = [{**data["case"][0], "quick": False}, {"id": "cold", "title": "cold"}]
        everything = catalogue.parse({**figures_test.DATA, "workload": [{**data, "case": cases}]})
        workload = everything.workload("spawn")
        self.assertEqual([case.id for case in workload.benchmarks(quick=True)], ["cold"])
        self.assertEqual([case.id for case in workload.benchmarks()], ["warm", "cold"])

    def test_who_was_not_built_is_missing_and_not_a_failure(self):
        self.answering("spawn_mayhem", 5)
        running = self.run_session()
        self.assertIn("fast", running.missing)
        self.assertNotIn("fast", [failure[2] for failure in running.failures])

    def test_who_dies_is_a_failure_with_its_last_words_and_is_not_asked_again(self):
        self.answering("spawn_mayhem", 5)
        self.program("spawn_raw", "sys.exit('out of rings')")
        running = self.run_session()
        mine = [failure for failure in running.failures if failure[2] == "raw"]
        self.assertEqual(len(mine), 1)
        self.assertIn("out of rings", mine[0][3])

    def test_a_peer_may_lack_a_case_and_mayhem_may_not(self):
        lacking = "print('Failed to match any benchmarks', file=sys.stderr)"
        self.program("spawn_raw", lacking)
        self.program("spawn_mayhem", lacking)
        self.assertEqual([failure[2] for failure in self.run_session().failures
                          if failure[2] in ("raw", "ours")], ["ours"])


if __name__ == "__main__":
    tap.main()
