#!/usr/bin/env python3
"""Dead letters, positions, replays and `top` of the log processor, running and stopped."""

import json
import re
import shutil
import unittest

from application import ROOT, EndToEnd, wait_until
from commands_test import FAILED, WRONG_USE, fetch, key_of

INGESTOR = "file-ingestor.log-key"
LOG = ROOT / "examples/log-processor/testdata/logs/log4j.log"
RECORDS = 13


class Operating(EndToEnd):
    def setUp(self):
        super().setUp()
        self.app = self.application()

    def serve(self):
        life = self.started(self.app)
        wait_until("/ready", lambda: fetch(life.metrics() + "/ready")[0] == 200)
        return life

    def call(self, *arguments):
        """What a command prints; it has to succeed."""
        done = self.app.ask(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def told(self, *arguments):
        """The JSON that a command prints."""
        return json.loads(self.call(*arguments, "-o", "json"))

    def assert_refused(self, code, pattern, *arguments):
        done = self.app.ask(*arguments)
        self.assertEqual((done.returncode, done.stdout), (code, ""))
        self.assertRegex(done.stderr, pattern)


class DeadLetters(Operating):
    def ask_for(self, life, *names):
        """Announces logs that are not there, and waits until they have been given up."""
        for name in names:
            self.assertEqual(fetch(life.ingress(), json.dumps(key_of(name)))[0], 202)
        wait_until("dead letters", lambda: self.waiting() == len(names))

    def waiting(self):
        return self.told("dlq", "ls", INGESTOR)[0]["waiting"]

    def letters(self, *arguments):
        return [json.loads(line) for line in self.call("dlq", "show", INGESTOR, *arguments, "-o", "json").splitlines()]

    def bring(self, name):
        shutil.copy(LOG, self.app.logs / name)

    def test_are_counted_and_shown_with_reason_origin_and_value(self):
        life = self.serve()
        self.ask_for(life, "a.log", "b.log")
        for is_running in (True, False):
            with self.subTest(is_running=is_running):
                if not is_running:
                    life.stop()
                about = self.told("dlq", "ls", "file-ingestor")[0]
                self.assertEqual((about["inlet"], about["waiting"], about["retried"]), (INGESTOR, 2, 0))
                self.assertLessEqual(about["oldest"], about["newest"])
                self.assertRegex(about["reasons"][0]["reason"], "a.log.*No such file")
                first, second = self.letters()
                self.assertEqual(first["origin"], {"topic": "log-key", "partition": 0, "offset": 0})
                self.assertEqual((first["value"], first["key"]), (key_of("a.log", app="a"), "a"))
                self.assertEqual((first["failures"], second["offset"]), (1, 1))
                self.assertEqual(self.letters("--last", 1), [second])
                self.assertEqual(self.letters("--offset", 0), [first])
                self.assertEqual(self.letters("--reason", "b.log"), [second])
                self.assertRegex(self.call("dlq", "ls"), rf"{INGESTOR} +2 ")
                self.assertRegex(self.call("dlq", "show", INGESTOR), r"origin +log-key, partition 0, offset 1\n")

    def test_are_worked_off_after_a_retry_while_it_runs(self):
        self.ask_for(self.serve(), "a.log", "b.log")
        self.bring("a.log")
        self.assertRegex(self.call("dlq", "retry", INGESTOR, "--reason", "a.log"), "1 dead letter of file-ingestor.log-key")
        wait_until("its records", lambda: self.app.count("valid-logs") == RECORDS)
        self.assertEqual([letter["value"]["key"] for letter in self.letters()], ["b.log"])

    def test_are_worked_off_after_a_retry_when_it_runs_again(self):
        life = self.serve()
        self.ask_for(life, "a.log", "b.log")
        life.stop()
        self.bring("b.log")
        self.call("dlq", "retry", INGESTOR, "--offset", "1")
        self.assertEqual(self.started(self.app, "--until-idle").wait(), 0)
        self.assertEqual(self.app.count("valid-logs"), RECORDS)
        self.assertEqual(self.waiting(), 1)
        self.assert_refused(FAILED, "no dead letter of file-ingestor.log-key that waits", "dlq", "retry", INGESTOR, "--offset", "1")
        self.assert_refused(FAILED, "no dead letter of", "dlq", "drop", INGESTOR, "--reason", "of no letter")

    def test_that_fail_again_wait_again_and_remember(self):
        life = self.serve()
        self.ask_for(life, "a.log")
        self.call("dlq", "retry", INGESTOR, "--all")
        wait_until("its return", lambda: self.waiting() == 1)
        letter = self.letters()[0]
        self.assertEqual((letter["offset"], letter["failures"]), (2, 2))  # behind the first and its mark
        self.assertEqual(letter["origin"], {"topic": "log-key", "partition": 0, "offset": 0})

    def test_that_are_dropped_do_not_come_back(self):
        self.ask_for(self.serve(), "a.log", "b.log", "c.log")
        self.assertRegex(self.call("dlq", "drop", INGESTOR, "--offset", "0-1"), "2 dead letters of .* dropped")
        self.assertEqual([letter["offset"] for letter in self.letters()], [2])
        self.assertEqual(self.told("dlq", "ls", INGESTOR)[0]["dropped"], 2)
        self.assertRegex(self.call("dlq", "retry", INGESTOR, "--all"), "1 dead letter ")

    def test_are_not_touched_by_what_is_said_wrong(self):
        self.serve()
        self.assert_refused(WRONG_USE, "--offset,--reason,--all", "dlq", "retry", INGESTOR)
        self.assert_refused(WRONG_USE, "--help", "dlq", "drop", INGESTOR, "--all", "--reason", "x")
        self.assert_refused(FAILED, "write an offset, or a range", "dlq", "drop", INGESTOR, "--offset", "x")
        self.assert_refused(FAILED, "no streamlet 'file-ingester'; did you mean 'file-ingestor'", "dlq", "ls", "file-ingester")
        self.assert_refused(FAILED, "http-ingress has no inlets", "dlq", "ls", "http-ingress")


class Positions(Operating):
    def setUp(self):
        super().setUp()
        shutil.copy(LOG, self.app.logs / "till.log")
        self.messages = self.printed_by(self.app.run())

    def printed_by(self, life):
        """What the streamlets have printed; the feeding command prints too."""
        return [line for line in life.printed_file.read_text().splitlines() if "announced" not in line]

    def lags(self):
        return {(p["inlet"], p["partition"]): p["lag"] for p in self.told("offsets")}

    def test_are_shown_with_the_lag(self):
        self.assertEqual(set(self.lags().values()), {0})
        at = self.told("offsets", "message-printer.valid-logs")
        self.assertEqual(sum(p["committed"] or 0 for p in at), RECORDS)
        self.assertEqual({p["group"] for p in at}, {"log-processor.message-printer.valid-logs"})
        self.assertRegex(self.call("offsets", "key-logger"), r"key-logger\.log-key +log-key +0 +1 +0 +1 +0 ")
        life = self.serve()
        self.assertEqual(self.told("offsets", "message-printer"), at)
        _, metrics = fetch(life.metrics() + "/metrics")
        self.assertRegex(metrics, r'cloudflow_lag_records\{[^}]*streamlet="key-logger",inlet="log-key"[^}]*\} 0')

    def test_that_are_moved_back_have_records_processed_again(self):
        self.call("offsets", "set", "message-printer", "--to", "beginning")
        self.assertEqual(sum(self.lags().values()), RECORDS)
        life = self.started(self.app, "--until-idle")
        self.assertEqual(life.wait(), 0, life.log)
        self.assertEqual(self.printed_by(life), self.messages)
        self.assertEqual(set(self.lags().values()), {0})
        self.call("offsets", "set", "message-printer.valid-logs", "--to", "-2h")
        self.assertEqual(sum(self.lags().values()), RECORDS)
        full = next(p for p in self.told("offsets", "message-printer") if p["end"] == RECORDS)["partition"]
        self.call("offsets", "set", "message-printer", "--to", "-3", "--partition", str(full))
        self.assertEqual(sum(self.lags().values()), 3)

    def test_are_not_moved_while_it_runs_nor_without_the_state(self):
        set_them = ("offsets", "set", "message-printer", "--to")
        self.assert_refused(FAILED, "an offset belongs to one partition", *set_them, "3")
        self.assert_refused(FAILED, "'soon' is not an offset", *set_them, "soon")
        self.assert_refused(FAILED, "`replay stat-aggregator --from", "offsets", "set", "stat-aggregator", "--to", "end")
        self.serve()
        self.assert_refused(FAILED, "streamlet message-printer runs", *set_them, "beginning")


class Replays(Operating):
    def setUp(self):
        super().setUp()
        shutil.copy(LOG, self.app.logs / "till.log")
        self.app.run()
        self.stats = self.app.peek("log-stat")

    def test_into_a_copy_try_another_parameter_and_leave_the_original_alone(self):
        before = self.told("offsets")
        said = self.call("replay", "stat-aggregator", "--from", "beginning", "--into", "try", "window=1m", "mail-outbox=x",
                         f"bucket={self.app.logs}")
        self.assertRegex(said, rf"done: {RECORDS} records into log-stat\.try")
        tried = self.app.peek("log-stat.try")
        self.assertGreater(len(tried), len(self.stats))
        self.assertEqual(sum(s["numLogs"] for s in tried), sum(s["numLogs"] for s in self.stats))
        self.assertEqual(self.app.peek("log-stat"), self.stats)
        self.assertEqual(self.told("offsets"), before)

    def test_into_a_copy_keep_to_the_range(self):
        said = self.call("replay", "stat-aggregator", "--from", "-4", "--into", "last", "mail-outbox=x", f"bucket={self.app.logs}")
        self.assertRegex(said, r"done: 4 records")
        self.assertEqual(sum(s["numLogs"] for s in self.app.peek("log-stat.last")), 4)

    def test_with_the_state_forgotten_count_everything_once_more(self):
        self.assert_refused_quietly("nothing was changed: say --yes", "--from", "beginning", "--reset-state")
        self.call("replay", "stat-aggregator", "--from", "beginning", "--reset-state", "--yes")
        self.assertEqual(self.started(self.app, "--until-idle").wait(), 0)
        self.assertEqual(self.app.peek("log-stat"), 2 * self.stats)

    def test_are_refused_while_it_runs_and_where_they_make_no_sense(self):
        self.assert_refused_quietly("the application has a streamlet email-proc", "--from", "end", "--into", "email-proc",
                                    "mail-outbox=x", f"bucket={self.app.logs}")
        for code, arguments in ((WRONG_USE, ("--from", "end")), (WRONG_USE, ("--from", "end", "--to", "end", "--reset-state"))):
            self.assertEqual(self.app.ask("replay", "stat-aggregator", *arguments).returncode, code)
        self.serve()
        self.assert_refused_quietly("streamlet stat-aggregator runs", "--from", "end", "--reset-state", "--yes")

    def assert_refused_quietly(self, pattern, *arguments):
        done = self.app.ask("replay", "stat-aggregator", *arguments)
        self.assertEqual(done.returncode, FAILED, done.stdout)
        self.assertRegex(done.stderr, pattern)


class Top(Operating):
    def test_shows_each_task_and_the_sum(self):
        self.serve()
        told = self.told("top", "-n", "0.05")
        tasks = {(t["streamlet"], t["partition"]): t for t in told["tasks"]}
        self.assertIn(("stat-aggregator", 1), tasks)
        self.assertEqual({t["state"] for t in told["tasks"]}, {"running"})
        self.assertEqual((told["total"]["lag"], told["total"]["rejected"]), (0, 0))
        lines = self.call("top", "--once", "-n", "0.05").splitlines()
        self.assertEqual(lines[0].split()[:4], ["streamlet", "partition", "state", "in/s"])
        self.assertEqual(len(lines), 2 + len(tasks))
        self.assertRegex(lines[-1], "^total +running")

    def test_says_why_a_task_does_not_run(self):
        self.app.outbox.write_text("a file in the way")
        shutil.copy(LOG, self.app.logs / "till.log")
        life = self.started(self.app, "alert-threshold=0", feeds=True)
        life.said("the outbox cannot be opened|cannot create the outbox|cannot write into the outbox")

        def failed():
            shown = self.call("top", "--once", "-n", "0.05")
            return shown if re.search(r"email-proc +0 +failed", shown) else None

        self.assertRegex(wait_until("the failure in top", failed), r"\nemail-proc, partition 0: .*outbox")

    def test_needs_an_application_that_runs(self):
        self.assert_refused(FAILED, "no application runs here: start it with run", "top")


if __name__ == "__main__":
    unittest.main(verbosity=2)
