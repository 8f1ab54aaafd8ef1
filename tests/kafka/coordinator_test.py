"""The short form of tests/soak/coordinator."""

import os
import unittest

import coordinator
import ledger

PROGRAM = os.environ.get("CLOUDFLOW_LEDGER", str(ledger.ROOT / "build/bin/ledger"))


class Coordinator(unittest.TestCase):
    def test_fault_h1_a_restart_of_the_coordinator_stops_no_process_and_no_end_of_one(self):
        coordinator.run(PROGRAM, restarts=3, rate=300)


if __name__ == "__main__":
    unittest.main(verbosity=2)
