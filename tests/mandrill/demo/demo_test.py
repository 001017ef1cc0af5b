"""The demo from end to end: real processes, a real database, real signals."""

import json
import os
import signal
import subprocess
import unittest

import tap
from demo import DemoCase, Ledger, mandrill, rows, running_hosts

WITHOUT_IO_URING = os.environ["WITHOUT_IO_URING"]

GOODBYE = ["Nacking outstanding messages", "Cancelling", "Flushing metrics",
           "Closing database connections", "Successfully shutdown the Mayhem service."]


class EndToEnd(DemoCase):
    def assert_in_order(self, log, texts):
        at = 0
        for text in texts:
            found = log.find(text, at)
            self.assertGreaterEqual(found, 0, f"{text!r} is missing or too early in:\n{log}")
            at = found

    def assert_all_is_well(self, demo, status=0):
        self.assertEqual(demo.finish(), status, demo.log())
        self.assertEqual(demo.counts()["lost"], 0)
        self.assertEqual(running_hosts(self.state), [], "hosts were left behind")

    def test_ends_by_itself_with_hosts_really_restarted(self):
        demo = self.start("--for", "5s", "--rate", "5/s", "--seed", "7", "--hosts", "6")
        self.assert_all_is_well(demo)
        counts = demo.counts()
        self.assertGreaterEqual(counts["restarted"], 3, demo.log())
        self.assertEqual(counts["acked"], counts["restarted"])
        restarts = Ledger(self.state).restarts()
        self.assertGreaterEqual(len(restarts), counts["restarted"])
        pids = [boot["pid"] for boot in Ledger(self.state).boots]
        self.assertEqual(len(set(pids)), len(pids), "a restarted host kept its process")
        for words in ("Pulled Message(inst_name='cattle-", "into database", "Restarted cattle-",
                      ".example.net", "Done. Acked Message(inst_name='cattle-"):
            self.assertIn(words, demo.log())

    def test_signals_end_it_gracefully(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number.name):
                demo = self.start("--rate", "6/s", "--hosts", "4")
                demo.wait_for_line("Restarted cattle-")
                demo.send(number)
                self.assert_all_is_well(demo)
                self.assert_in_order(demo.log(),
                                     [f"Received exit signal {number.name}...", *GOODBYE])

    def test_a_signal_during_the_start_ends_it_at_once(self):
        demo = self.start("--hosts", "40")
        demo.wait_for_line("Starting 40 hosts")
        demo.send(signal.SIGINT)
        self.assert_all_is_well(demo)
        self.assertNotIn("Fleet is up", demo.log())

    def test_an_unexpected_usr1_lists_the_tasks_and_changes_nothing(self):
        demo = self.start("--rate", "6/s", "--hosts", "3")
        demo.wait_for_line("Pulled")
        demo.send(signal.SIGUSR1)
        demo.wait_for_line("Stack for <Task")
        pulled = sum("Pulled" in line for line in demo.lines)
        demo.wait_for_line("Pulled", count=pulled + 1)
        demo.send(signal.SIGTERM)
        self.assert_all_is_well(demo)

    def test_a_second_signal_cuts_the_drain_short_and_says_so_by_its_status(self):
        demo = self.start("--restarter", "simulated", "--delay", "10m", "--rate", "50/s")
        demo.wait_for_line("Pulled")
        demo.send(signal.SIGINT)
        demo.wait_for_line("restarts under way")
        demo.send(signal.SIGINT)
        self.assertEqual(demo.finish(), 75, demo.log())
        self.assertIn("Nacked Message", demo.log())
        self.assertEqual(demo.counts()["lost"], 0)

    def test_a_third_signal_ends_it_at_once_and_loses_nothing(self):
        demo = self.start("--restarter", "simulated", "--delay", "10m", "--rate", "50/s")
        demo.wait_for_line("Pulled")
        name = demo.log().split("Pulled Message(inst_name='")[1].split("'")[0]
        demo.send(signal.SIGINT)
        demo.wait_for_line("restarts under way")
        # Two extensions of one lease are two seconds apart, and so are then the signals.
        extension = f"Extended deadline by 3 seconds for Message(inst_name='{name}')"
        before = sum(extension in line for line in demo.lines)
        demo.wait_for_line(extension, count=before + 2)
        # Stopped meanwhile, so that the second signal is not acted upon before the third is there.
        for number in (signal.SIGSTOP, signal.SIGINT, signal.SIGTERM, signal.SIGCONT):
            demo.send(number)
        self.assertEqual(demo.finish(), 130, demo.log())
        self.assertIn("Third exit signal: ending at once", demo.log())
        last = self.start("--restarter", "simulated", "--stdin")
        self.assertEqual(last.finish(), 0, last.log())
        self.assertEqual(last.counts()["outstanding"], 0)
        self.assertEqual(last.counts()["lost"], 0)

    def test_failures_are_retried_and_in_the_end_dead_lettered(self):
        demo = self.start("--restarter", "simulated", "--fail", "1", "--stdin", "--hosts", "2",
                          stdin=subprocess.PIPE)
        name = self.hosts_of(demo)[0]
        demo.process.stdin.write(json.dumps({"host": name, "reason": "test"}) + "\n")
        demo.process.stdin.close()
        self.assertEqual(demo.finish(), 0, demo.log())
        self.assertEqual(demo.counts()["dead-lettered"], 1)
        self.assertEqual(demo.counts()["retried"], 4)
        self.assertIn("dead letter:", demo.output)
        listed = mandrill("ls", "--state", "dead", "--state-dir", self.state)
        self.assertIn(name, listed.stdout)
        (identifier,), = rows(self.state, "SELECT request_id FROM messages")
        shown = mandrill("show", identifier[:8], "--state-dir", self.state)
        self.assertEqual(shown.stdout.count("intent"), 5, shown.stdout)

    def hosts_of(self, demo):
        """The fleet's names, as soon as the service answers."""
        demo.wait_for_line("Fleet is up")
        while True:
            answer = mandrill("hosts", "--state-dir", self.state)
            if answer.returncode == 0:
                return answer.stdout.split()
            self.assertEqual(answer.returncode, 69, answer.stderr)

    def test_requests_from_another_terminal(self):
        demo = self.start("--rate", "0", "--hosts", "2")
        name = self.hosts_of(demo)[0]
        refused = mandrill("request", "nobody", "--state-dir", self.state)
        self.assertEqual(refused.returncode, 65)
        self.assertIn("unknown host", refused.stderr)
        first = mandrill("request", name, "--reason", "disk", "--id", "r-1", "--state-dir",
                         self.state)
        self.assertEqual(first.returncode, 0, first.stderr)
        again = mandrill("request", name, "--id", "r-1", "--state-dir", self.state)
        self.assertIn("was requested before", again.stdout)
        demo.wait_for_line("Done. Acked")
        demo.send(signal.SIGTERM)
        self.assert_all_is_well(demo)
        self.assertEqual(len(Ledger(self.state).boots_for("r-1")), 1)

    def test_malformed_lines_are_refused_with_their_number_and_stop_nothing(self):
        demo = self.start("--restarter", "simulated", "--stdin", "--hosts", "2",
                          stdin=subprocess.PIPE)
        name = self.hosts_of(demo)[0]
        for line in ("no json", "[]", '{"host":"nobody"}', '{"host":7}', '{"hots":"x"}',
                     "x" * 100_000, json.dumps({"host": name})):
            demo.process.stdin.write(line + "\n")
        demo.process.stdin.close()
        self.assertEqual(demo.finish(), 0, demo.log())
        for number in range(1, 7):
            self.assertIn(f"stdin line {number}: ", demo.log())
        self.assertNotIn("stdin line 7", demo.log())
        self.assertEqual(demo.counts()["acked"], 1)

    def test_five_thousand_requests_are_all_acked(self):
        demo = self.start("--restarter", "simulated", "--delay", "0", "--stdin",
                          stdin=subprocess.PIPE)
        for number in range(5000):
            demo.process.stdin.write(json.dumps({"host": f"cattle-{number:04}"}) + "\n")
        demo.process.stdin.close()
        self.assertEqual(demo.finish(), 0)
        self.assertEqual(demo.counts()["acked"], 5000)
        self.assertEqual(demo.counts()["lost"], 0)
        self.assertIn("/s", demo.output)

    def test_a_second_service_on_the_same_state_is_refused(self):
        demo = self.start("--rate", "0", "--hosts", "2")
        self.hosts_of(demo)
        second = self.start("--rate", "0", "--hosts", "2")
        self.assertEqual(second.finish(), 69)
        self.assertIn(str(demo.process.pid), second.log())
        demo.send(signal.SIGTERM)
        self.assert_all_is_well(demo)

    def test_a_kernel_that_refuses_io_uring_is_no_obstacle(self):
        environment = dict(os.environ)
        os.environ.pop("MAYHEM_BACKEND", None)
        self.addCleanup(os.environ.update, environment)
        demo = self.start("--for", "2s", "--hosts", "3", prefix=[WITHOUT_IO_URING])
        self.assert_all_is_well(demo)
        self.assertIn("epoll", demo.log())

    def test_the_log_can_be_json(self):
        demo = self.start("--for", "1s", "--json", "--restarter", "simulated")
        self.assertEqual(demo.finish(), 0)
        for line in demo.lines:
            self.assertIn("message", json.loads(line))

    def test_wrong_usage_names_the_remedy(self):
        for arguments in (["demo", "--for", "soon"], ["demo", "--hosts", "0"], ["nonsense"], []):
            answer = mandrill(*arguments)
            self.assertEqual(answer.returncode, 64, answer.stderr)
            self.assertNotEqual(answer.stderr + answer.stdout, "")
        nobody = mandrill("request", "cattle-0000", "--state-dir", self.state)
        self.assertEqual(nobody.returncode, 69)
        self.assertIn("mandrill demo", nobody.stderr)


if __name__ == "__main__":
    tap.main()
