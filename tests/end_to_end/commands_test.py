#!/usr/bin/env python3
"""The commands of the log processor, running and stopped: what they print, refuse and return."""

import json
import os
import re
import shutil
import unittest
import urllib.error
import urllib.request

from application import ROOT, EndToEnd, program, wait_until
from oracle import assert_equals_count, counted

APP_ID = "11111111-2222-4333-8444-555555555555"
DEAD_LETTERS = "log-processor.file-ingestor.log-key.dead-letter"
STREAMLETS = ("http-ingress", "key-logger", "file-ingestor", "message-printer", "message-logger", "stat-aggregator",
              "stat-logger", "email-proc", "invalid-logger")
FAILED, WRONG_USE = 1, 2
# What is built without Kafka; beside the log processor where all programs are.
FILTER = os.environ.get("CLOUDFLOW_FILTER", "filter")


def key_of(name, **more):
    return {"appId": APP_ID, "key": name, **more}


def fetch(url, body=None):
    """Status and text of an answer to GET, or to POST when there is a body."""
    data = None if body is None else body.encode()
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()


class AboutTheApplication(EndToEnd):
    def assert_refused(self, code, pattern, *arguments):
        done = program("log-processor", *arguments)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertRegex(done.stderr, pattern)

    def test_describe_prints_each_streamlet_as_json(self):
        done = program("log-processor", "describe")
        self.assertEqual(done.returncode, 0)
        classes = [streamlet["class_name"] for streamlet in json.loads(done.stdout)]
        self.assertEqual(len(classes), len(STREAMLETS))
        self.assertIn("logproc.stat_aggregator", classes)

    def test_verify_names_the_blueprint_and_finds_no_problem(self):
        done = program("log-processor", "verify")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"blueprint\.conf: 9 streamlets, 4 topics, no problems")

    def test_verify_finds_ten_planted_mistakes_in_one_run_and_no_eleventh(self):
        file = str(ROOT / "examples/log-processor/testdata/ten-mistakes.conf")
        done = program("log-processor", "verify", file)
        self.assertEqual(done.returncode, 1)
        found = re.findall(rf"^{re.escape(file)}:(\d+):\d+: error: (.*)$", done.stderr, re.MULTILINE)
        planted = [
            ("3", "ClassName logproc.http_ingres for http-ingress cannot be found."),
            ("5", "Invalid streamlet name 'Key_Logger2'."),
            ("18", "Invalid Kafka cluster name 'East_1'."),
            ("20", "'valid logs' is not a valid topic name"),
            ("22", "'message-logger.valid-log' does not point to a known streamlet inlet or outlet."),
            ("23", "'0' is not a valid number of partitions"),
            ("28", "'bad/name' is not a valid topic name"),
            ("32", "'email-proc' is not a valid path to an outlet or an inlet."),
            ("32", "'message-printer.valid-logs' is bound to more than one topic"),
            ("34", "The key 'blueprint.topics.log-stat.partitions' is set twice"),
        ]
        self.assertEqual([line for line, _ in found], [line for line, _ in planted])
        for (_, text), (_, begins) in zip(found, planted):
            self.assertTrue(text.startswith(begins), text)
        # Each is followed by the line it is about, and by what to do.
        self.assertEqual(len(re.findall(r"^ +\^$", done.stderr, re.MULTILINE)), len(planted))
        self.assertIn("did you mean 'logproc.http_ingress'?", done.stderr)

    def test_graph_shows_every_streamlet_and_topic(self):
        done = program("log-processor", "graph", "--ascii")
        self.assertEqual(done.returncode, 0)
        self.assertTrue(done.stdout.isascii())
        for name in (*STREAMLETS, "[log-key]", "[valid-logs]", "[invalid-logs]", "[log-stat]"):
            self.assertIn(name, done.stdout)

    def test_plan_prints_everything_and_as_json_what_programs_can_read(self):
        done = program("log-processor", "plan")
        self.assertEqual(done.returncode, 0, done.stderr)
        for name in STREAMLETS:
            self.assertIn(f"streamlet {name}: ", done.stdout)
        done = program("log-processor", "plan", "-o", "json")
        self.assertEqual(done.returncode, 0, done.stderr)
        plan = json.loads(done.stdout)
        self.assertEqual([s["name"] for s in plan["streamlets"]], list(STREAMLETS))
        topics = {t["id"]: t for t in plan["topics"]}
        for streamlet in plan["streamlets"]:
            for port in streamlet.get("inlets", []):
                self.assertIn(port["topic"], topics)
                self.assertTrue(topics[port["dead-letter-topic"]]["internal"])

    def test_kafka_without_it_says_which_line_to_add(self):
        done = program(FILTER, "run", "--kafka", "127.0.0.1:9", "--metrics-port", "0", "--state",
                       str(self.directory / "state"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("BACKENDS kafka", done.stderr)

    def test_every_command_explains_itself(self):
        overview = program("log-processor", "--help")
        self.assertEqual(overview.returncode, 0)
        for command in ("run", "describe", "verify", "graph", "plan", "topics", "peek", "send", "dlq", "offsets", "replay", "top"):
            with self.subTest(command=command):
                self.assertIn(command, overview.stdout)
                done = program("log-processor", command, "--help")
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertIn("Usage: ", done.stdout)
        for name in ("log-generator", "log-forwarder"):
            self.assertEqual(program(name, "--help").returncode, 0)

    def test_wrong_use_ends_with_2_and_says_where_help_is(self):
        for arguments in ((), ("nonsense",), ("peek",), ("peek", "log-key", "--format", "xml"), ("run", "--port", "x"),
                          ("run", "--conf", "/no/such/file"), ("run", "--log-level", "loud"), ("run", "--kafka", ""),
                          ("streamlet", "email-proc", "--ordinal", "-1"), ("streamlet", "email-proc", "--ordinal", "1000")):
            with self.subTest(arguments=arguments):
                self.assert_refused(WRONG_USE, r"--help", *arguments)

    def test_a_wrong_parameter_is_refused_before_anything_starts(self):
        state = self.directory / "state"
        for pattern, setting in (
            (r"windw=.*no streamlet .* has this parameter; did you mean window\?", "windw=5m"),
            (r"stat-aggregator\.windw=.*did you mean stat-aggregator\.window\?", "stat-aggregator.windw=5m"),
            (r"window for streamlet stat-aggregator is not valid(?s:.*)'soon'", "window=soon"),
            (r"alert-threshold for streamlet stat-aggregator is not valid(?s:.*)'many'", "alert-threshold=many"),
        ):
            with self.subTest(setting=setting):
                self.assert_refused(FAILED, pattern, "run", "--state", state, setting)
                self.assertFalse(state.exists())

    def test_a_value_that_only_its_reader_can_judge_is_refused_before_a_streamlet_starts(self):
        for pattern, setting in (
            (r"stat-aggregator: .*window.*-5m.* is not allowed", "window=-5m"),
            (r"email-proc: mail-from: 'nobody' is no mail address", "mail-from=nobody"),
            (r"file-ingestor: line-pattern '\(' is no RE2 pattern", "line-pattern=("),
        ):
            with self.subTest(setting=setting):
                life = self.started(self.application(), setting)
                self.assertEqual(life.wait(), FAILED)
                self.assertRegex(life.log, pattern)
                self.assertNotIn("listens at", life.log)

    def test_a_directory_that_is_not_there_is_named(self):
        missing = self.directory / "missing"
        self.assert_refused(FAILED, "missing: there is no log here: run the application first", "topics", "--state", missing)
        self.assert_refused(FAILED, "missing: there is no log here", "peek", "log-key", "--state", missing)
        forwarded = program("log-forwarder", missing, "--url", "http://127.0.0.1:1/", "--patience", 0)
        self.assertEqual(forwarded.returncode, 1)
        self.assertIn(f"'{missing}'", forwarded.stderr)
        self.assertFalse(missing.exists())

    def test_a_feeding_command_that_fails_ends_the_run_with_1(self):
        app = self.application()
        life = self.started(app, "--until-idle", "--feed", "exit 3")
        self.assertEqual(life.wait(), FAILED)
        self.assertIn("the feeding command ended with exit code 3: exit 3", life.log)


class Stopped(EndToEnd):
    """What is left of a run over a small log, asked when nothing runs."""

    def setUp(self):
        super().setUp()
        self.app = self.application()
        shutil.copy(ROOT / "examples/log-processor/testdata/logs/log4j.log", self.app.logs / "till.log")
        self.app.run()
        self.report = counted(self.app.logs)
        self.records = self.report["files"]["till.log"]["records"]

    def test_topics_counts_records(self):
        topics = self.app.topics()
        self.assertEqual((topics["log-key"], topics["valid-logs"]), (1, self.records))
        self.assertEqual(topics["invalid-logs"], self.report["files"]["till.log"]["invalid"])

    def test_peek_selects_records(self):
        everything = self.app.peek("valid-logs")
        self.assertEqual(len(everything), self.records)
        self.assertEqual(self.app.peek("valid-logs", "--from", "beginning"), everything)
        self.assertEqual(self.app.peek("valid-logs", "--from", "end"), [])
        self.assertEqual(self.app.peek("valid-logs", "--from", "-3"), everything[-3:])
        self.assertEqual(self.app.peek("valid-logs", "--from", "2"), everything[2:])
        self.assertEqual(self.app.peek("valid-logs", "--count", "4"), everything[:4])
        self.assertEqual(self.app.peek("valid-logs", "--from", "2", "--count", "1"), everything[2:3])
        of_partition = [self.app.peek("valid-logs", "--partition", p) for p in (0, 1)]
        self.assertEqual(sorted(map(len, of_partition)), [0, self.records])  # one key, one partition

    def test_peek_shows_records_in_each_format(self):
        full = self.app.peek("valid-logs", "--format", "full")
        self.assertEqual([r["value"] for r in full], self.app.peek("valid-logs"))
        self.assertEqual([r["offset"] for r in full], list(range(self.records)))
        self.assertEqual({(r["key"], r["partition"]) for r in full}, {("till", full[0]["partition"])})
        table = list(self.app.lines("log-stat", "--format", "table"))
        self.assertEqual(table[0].split(), ["app", "windowstart", "windowend", "numLogs", "numErrors", "flagErrors"])
        self.assertEqual(len(table), 1 + self.app.count("log-stat"))

    def test_peek_shows_the_latest_of_each(self):
        latest = {}
        for record in self.app.peek("valid-logs"):
            latest[record["logType"]] = record
        shown = self.app.peek("valid-logs", "--latest-by", "logType")
        self.assertEqual(shown, [latest[level] for level in sorted(latest)])

    def test_peek_refuses_what_is_not_there(self):
        for arguments, pattern in ((("nowhere",), "nowhere"), (("log-key", "--partition", "7"), "no partition 7"),
                                   (("log-key", "--from", "now"), "--from: .now. is not an offset: write beginning, end, an offset")):
            with self.subTest(arguments=arguments):
                done = self.app.ask("peek", *arguments)
                self.assertEqual((done.returncode, done.stdout), (FAILED, ""))
                self.assertRegex(done.stderr, pattern)

    def test_send_takes_all_records_or_none(self):
        good, no_key, wrong = key_of("a.log", app="a"), {"appId": APP_ID}, {"appId": APP_ID, "key": 5}
        for bad, pattern in ((no_key, r"record 2: 1:1: key: expected a string"),
                             (wrong, r"record 2: 1:\d+: key: expected a string, found 5")):
            done = self.app.ask("send", "log-key", text=json.dumps(good) + "\n" + json.dumps(bad) + "\n")
            self.assertEqual((done.returncode, done.stdout), (FAILED, ""))
            self.assertRegex(done.stderr, pattern)
        self.assertEqual(self.app.count("log-key"), 1)

    def test_what_is_sent_is_there_and_worked_off(self):
        shutil.copy(self.app.logs / "till.log", self.app.logs / "other.log")
        keys = self.directory / "keys.json"
        keys.write_text(json.dumps(key_of("other.log", app="other")))
        done = self.app.ask("send", "log-key", keys, "--key", "other")
        self.assertEqual((done.returncode, done.stdout), (0, "1 records are in log-key\n"), done.stderr)
        self.assertEqual(self.app.peek("log-key", "--from", "-1", "--format", "full")[0]["key"], "other")
        self.finish()
        assert_equals_count(self, self.app, counted(self.app.logs))

    def finish(self):
        """All input is processed, and all windows have fired."""
        self.app.run()


class Running(Stopped):
    """The same questions while it runs, through its socket."""

    def setUp(self):
        super().setUp()
        self.life = self.started(self.app)
        wait_until("/ready", lambda: fetch(self.life.metrics() + "/ready")[0] == 200)

    def finish(self):
        self.assertEqual(self.life.stop(), 0)
        self.app.run()


class Serving(EndToEnd):
    """What it does while it runs."""

    def setUp(self):
        super().setUp()
        self.app = self.application()

    def serve(self, *arguments):
        life = self.started(self.app, *arguments)
        wait_until("/ready", lambda: fetch(life.metrics() + "/ready")[0] == 200)
        return life

    def announce(self, life, *names):
        for name in names:
            self.assertEqual(fetch(life.ingress(), json.dumps(key_of(name)))[0], 202)

    def test_health_and_metrics_are_served(self):
        life = self.serve()
        self.assertEqual(fetch(life.metrics() + "/live")[0], 200)
        status, text = fetch(life.metrics() + "/metrics")
        self.assertEqual(status, 200)
        for streamlet in STREAMLETS:
            self.assertRegex(text, rf'cloudflow_records_in_total{{application="log-processor",streamlet="{streamlet}"')

    def test_the_ingress_takes_one_an_array_or_one_a_line(self):
        life = self.serve()
        keys = [json.dumps(key_of(f"{n}.log")) for n in range(5)]
        self.assertEqual(fetch(life.ingress(), keys[0]), (202, "1 accepted\n"))
        self.assertEqual(fetch(life.ingress(), f"[{keys[1]}, {keys[2]}]"), (202, "2 accepted\n"))
        self.assertEqual(fetch(life.ingress(), f"{keys[3]}\n{keys[4]}\n"), (202, "2 accepted\n"))
        self.assertEqual([k["key"] for k in self.app.peek("log-key")], [f"{n}.log" for n in range(5)])
        self.assertEqual([k["app"] for k in self.app.peek("log-key")], list("01234"))

    def test_the_ingress_names_the_field_that_is_wrong_and_takes_none_of_the_request(self):
        life = self.serve()
        good = json.dumps(key_of("a.log"))
        for body, pattern in (
            (json.dumps({"appId": APP_ID}), r"record 1.* key: expected a string, found no such field"),
            (f"{good}\n" + json.dumps(key_of(5)), r"record 2, which begins at line 2.* key: expected a string, found 5"),
            (json.dumps({"appId": "no uuid", "key": "a.log"}), r"appId: .*no uuid"),
            ("[" + good, r"line 1, column \d+: .* found is the end"),
            ("", "the body is empty"),
        ):
            with self.subTest(body=body):
                status, text = fetch(life.ingress(), body)
                self.assertEqual(status, 400)
                self.assertRegex(text, pattern)
        self.assertEqual(self.app.count("log-key"), 0)

    def test_sigterm_ends_with_0_and_what_was_accepted_is_kept(self):
        self.generate(self.app.logs, "--records", 30_000)
        names = sorted(path.relative_to(self.app.logs).as_posix() for path in self.app.logs.rglob("*.log"))
        life = self.serve()
        self.announce(life, *names)
        self.assertEqual(life.stop(), 0)
        self.assertEqual([key["key"] for key in self.app.peek("log-key")], names)
        self.assertEqual(self.started(self.app, "--until-idle").wait(), 0)
        assert_equals_count(self, self.app, counted(self.app.logs))

    def test_a_second_run_on_the_same_state_is_refused_and_the_first_goes_on(self):
        life = self.serve()
        second = self.application(name="second")
        second.state = self.app.state
        again = self.started(second)
        self.assertEqual(again.wait(), FAILED)
        self.assertIn("runs here already, in another process", again.log)
        self.assertEqual(fetch(life.ingress(), json.dumps(key_of("a.log")))[0], 202)
        self.assertEqual(self.app.count("log-key"), 1)  # the socket is still the first one's

    def test_a_missing_object_becomes_a_dead_letter_and_holds_up_no_other(self):
        self.generate(self.app.logs)
        life = self.serve()
        self.announce(life, "001/orders.log", "missing.log", "001/payments.log")
        wait_until("a dead letter", lambda: self.app.count(DEAD_LETTERS) == 1)
        letter = self.app.peek(DEAD_LETTERS, "--format", "full")[0]
        about = dict(letter["headers"])
        self.assertRegex(about["cloudflow-reason"], "missing.log.*No such file or directory")
        self.assertEqual((about["cloudflow-topic"], about["cloudflow-offset"]), ("log-key", "1"))
        self.assertEqual((letter["key"], letter["value"]), ("missing", key_of("missing.log", app="missing")))
        of_next = [r for r in self.app.peek("valid-logs", "--format", "full") if r["key"] == "payments"]
        self.assertEqual(len(of_next), 334)
        self.assertLess(max(r["time"] for r in of_next), letter["time"])
        asked = next(r for r in self.app.peek("log-key", "--format", "full") if r["key"] == "missing")
        self.assertLess(asked["time"], letter["time"])  # tried again before it was given up

    def test_an_object_that_comes_late_is_found_by_a_retry(self):
        self.generate(self.directory / "made")
        life = self.serve()
        self.announce(life, "001/orders.log")
        shutil.copytree(self.directory / "made/001", self.app.logs / "001")
        wait_until("its records", lambda: self.app.count("valid-logs") == 334)
        self.assertEqual(self.app.count(DEAD_LETTERS), 0)

    def test_an_outbox_that_cannot_be_written_delays_mails_and_loses_none(self):
        self.generate(self.app.logs)
        self.app.outbox.write_text("a file in the way")
        life = self.started(self.app, "alert-threshold=3", "--until-idle", feeds=True)
        life.said("the outbox cannot be opened|cannot create the outbox|cannot write into the outbox")
        self.app.outbox.unlink()
        self.assertEqual(life.wait(), 0, life.log[-2000:])
        self.assertEqual(len(self.app.mails()), 9)
        assert_equals_count(self, self.app, counted(self.app.logs), threshold=3)


if __name__ == "__main__":
    unittest.main(verbosity=2)
