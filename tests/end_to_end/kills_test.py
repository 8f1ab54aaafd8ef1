#!/usr/bin/env python3
"""Killed in the middle, the log processor ends with the same results and the same mails. `--seed N`: earlier moments."""

import pathlib
import random
import shutil
import sys
import tempfile
import unittest

import kills
from application import BIN, Application, EndToEnd, wait_until

SEED = random.randrange(1_000_000)


class Kills(EndToEnd):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        common = pathlib.Path(tempfile.mkdtemp(prefix="cloudflow-"))
        cls.addClassCleanup(shutil.rmtree, common, ignore_errors=True)
        cls.logs = kills.make_logs(common / "logs", records=300_000, files=6)
        cls.reference = kills.undisturbed(common / "undisturbed", cls.logs, kills.SETTINGS)

    def say(self, text):
        print(text, flush=True)

    def test_kills_of_everything_change_nothing(self):
        struck, differences = kills.story(
            self.directory, self.logs, kills.SETTINGS, self.reference, kills=4, seed=SEED, say=self.say
        )
        self.assertEqual(differences, [], f"with --seed {SEED}")
        self.assertGreaterEqual(len(struck), 4)

    def test_kills_of_the_child_alone_are_repaired_by_the_parent(self):
        app = Application(self.directory, self.logs)
        life = app.start("--until-idle", *kills.SETTINGS, feeds=True)
        self.addCleanup(life.kill)
        for share in (0.2, 0.5):
            wait_until("progress", lambda share=share: app.count("valid-logs") > share * self.reference.records)
            child = life.child()
            life.kill_child()
            self.say(f"killed the child with {app.count('valid-logs')} of {self.reference.records} records")
            wait_until("another child", lambda child=child: life.child() != child)
        self.assertEqual(life.wait(), 0, life.log[-3000:])
        self.assertEqual(life.log.count("crashed with signal 9"), 2)
        self.assertEqual(kills.outcome_of(app).differences(self.reference.outcome), [])

    def test_a_feeding_command_finds_the_next_child_where_it_found_the_first(self):
        app, begun, go = Application(self.directory, self.logs), self.directory / "begun", self.directory / "go"
        feed = f"touch {begun}; until test -e {go}; do sleep 0.02; done; '{BIN}/log-forwarder' '{self.logs}'"
        life = app.start("--until-idle", *kills.SETTINGS, feeds=feed)
        self.addCleanup(life.kill)
        wait_until("the feeding command's start", begun.exists)
        life.kill_child()
        go.touch()
        self.assertEqual(life.wait(), 0, life.log[-3000:])
        self.assertEqual(kills.outcome_of(app).differences(self.reference.outcome), [])


if __name__ == "__main__":
    if "--seed" in sys.argv:
        at = sys.argv.index("--seed")
        SEED = int(sys.argv[at + 1])
        del sys.argv[at : at + 2]
    unittest.main(verbosity=2)
