"""kill -9 of the demo, ten times in a row at random moments, then a clean run to the end.

Every request must have ended in exactly one restart or in the dead letters, and no request in two
restarts: checked against the database and against the ledger that the hosts write themselves.
"""

import os
import random
import time
import unittest

import tap
from demo import DemoCase, Ledger, rows, running_hosts

KILLS = int(os.environ.get("MANDRILL_KILLS", "10"))


class Crash(DemoCase):
    def test_nothing_is_lost_and_nothing_is_repeated(self):
        seed = int(os.environ.get("MANDRILL_SEED", random.randrange(1 << 31)))
        print(f"# MANDRILL_SEED={seed}")
        moments = random.Random(seed)
        for number in range(KILLS):
            demo = self.start("--rate", "20/s", "--fail", "0.2", "--hosts", "6",
                              "--seed", str(seed + number))
            # Every other one is killed while it starts, the rest at work. The moment of the kill is
            # the test's whole point: the one real sleep.
            demo.wait_for_line("Starting" if number % 2 else "Fleet is up")
            time.sleep(moments.uniform(0.0, 1.5))
            demo.kill()
        # Reads an empty standard input, and so ends when everything is settled.
        last = self.start("--stdin", "--hosts", "6")
        self.assertEqual(last.finish(), 0, last.log())
        self.assertEqual(last.counts()["lost"], 0)
        self.assertEqual(last.counts()["outstanding"], 0)
        self.check_every_request(seed)

    def check_every_request(self, seed):
        ledger = Ledger(self.state)
        published = rows(self.state, "SELECT seq, request_id, state FROM messages")
        done = dict(rows(self.state, "SELECT message, count(*) FROM deliveries "
                                     "WHERE done_at IS NOT NULL GROUP BY message"))
        too_late = dict(rows(self.state, "SELECT message, count(*) FROM deliveries WHERE "
                                         "outcome = 'failed' AND reason NOT LIKE '%(injected)%' "
                                         "GROUP BY message"))
        self.assertGreater(len(published), KILLS, f"seed {seed}: hardly anything happened")
        for number, request, state in published:
            where = f"seed {seed}, request {request}"
            self.assertIn(state, ("acked", "dead"), where)
            self.assertEqual(done.get(number, 0), 1 if state == "acked" else 0, where)
            # A boot that came too late counted as a failure, and may be followed by another.
            boots = ledger.boots_for(request)
            self.assertLessEqual(len(boots), 1 + too_late.get(number, 0),
                                 f"{where}: restarted more than once: {boots}")
        self.assertEqual(running_hosts(self.state), [], "hosts were left behind")
        restarted = sum(1 for _, request, _ in published if ledger.boots_for(request))
        self.assertGreater(restarted, 0)


if __name__ == "__main__":
    tap.main()
