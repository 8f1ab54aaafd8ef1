"""The short form of tests/soak/kafka: a few faults of each kind that matters, on the way of some thousand records."""

import os
import unittest

import ledger

PROGRAM = os.environ.get("CLOUDFLOW_LEDGER", str(ledger.ROOT / "build/bin/ledger"))
DELIVERY = "cloudflow.streamlets.ledger.config.cloudflow.delivery="


class Ledger(unittest.TestCase):
    def test_every_record_takes_effect_exactly_once_while_processes_and_the_broker_are_struck(self):
        ledger.run(PROGRAM, records=40_000, faults=5, seed=20261120, seconds=35)

    def test_at_least_once_loses_nothing(self):
        ledger.run(PROGRAM, records=20_000, faults=3, seed=1, seconds=20,
                   settings=[DELIVERY + "at-least-once"], is_exact=False)


class Oracle(unittest.TestCase):
    """What must not be overlooked is not."""

    def setUp(self):
        self.sent = list(ledger.events(1000, seed=1))
        self.right = [e for of_account in ledger.entries_of(self.sent).values() for e in of_account]
        self.assertEqual(ledger.differences(self.sent, self.right, is_exact=True), [])

    def test_sees_a_lost_entry(self):
        self.assertTrue(ledger.differences(self.sent, self.right[1:], is_exact=True))
        self.assertTrue(ledger.differences(self.sent, self.right[1:], is_exact=False))

    def test_sees_an_entry_that_is_there_twice(self):
        self.assertTrue(ledger.differences(self.sent, self.right + self.right[-1:], is_exact=True))

    def test_sees_two_entries_of_an_account_in_the_wrong_order(self):
        wrong = list(reversed(self.right))
        self.assertTrue(ledger.differences(self.sent, wrong, is_exact=True))


if __name__ == "__main__":
    unittest.main(verbosity=2)
