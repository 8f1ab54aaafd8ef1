#!/usr/bin/env python3
"""What the log processor counts equals what tests/count_logs.py counts over the same files."""

import calendar
import os
import shutil
import subprocess
import unittest

from application import ROOT, EndToEnd
from oracle import assert_equals_count, counted

TESTDATA = ROOT / "examples/log-processor/testdata/logs"
REAL_LOGS = ROOT.parent / "shared/data/logs"

# Completes times without date or year: the one that testdata/counts.json is made for.
WRITTEN = calendar.timegm((2024, 3, 1, 10, 30, 0))

OWN_PATTERN = r"^(?P<level>[a-z]+)/(?P<logger>\S+) @(?P<time>\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})> (?P<message>.*)$"
OWN_TIME = "%d/%b/%Y:%H:%M:%S %z"
OWN_LOG = """a heading that begins nothing
info/shop.till @01/Mar/2024:10:00:00 +0000> till 4 opened
warning/shop.till @01/Mar/2024:11:00:30 +0100> drawer is slow
error/shop.till @01/Mar/2024:10:01:59 +0000> drawer is stuck
  spring: broken
  rail: bent
error/shop.till @31/Feb/2024:10:01:59 +0000> there is no such day
error/shop.till @01/Mar/2024:10:02:00 +0000> the first of the next window
"""


class Counts(EndToEnd):
    def copy_of(self, logs):
        """A copy whose files were all written at one known time."""
        copy = self.directory / "logs"
        shutil.copytree(logs, copy)
        for path in copy.rglob("*"):
            os.utime(path, (WRITTEN, WRITTEN))
        return copy

    def test_every_known_layout_is_counted_as_by_hand(self):
        logs = self.copy_of(TESTDATA)
        report = counted(logs)
        layouts = {file["layout"] for file in report["files"].values()}
        self.assertGreaterEqual(layouts, {"log4j", "logback", "zookeeper", "iso8601", "syslog", "json"})
        app = self.application(logs)
        app.run("alert-threshold=1")
        assert_equals_count(self, app, report, threshold=1)
        self.assertGreater(len(app.mails()), 0)

    def test_generated_logs_are_counted_and_their_burst_is_mailed(self):
        app = self.application()
        self.generate(app.logs, "--records", 9000, "--seed", 11)
        app.run()
        report = counted(app.logs)
        self.assertEqual(sum(file["records"] for file in report["files"].values()), 9000)
        assert_equals_count(self, app, report)
        burst = [w for w in report["windows"] if w["problems"] > 10]
        self.assertEqual(len(burst), 1)
        self.assertIn(f"logged {burst[0]['problems']} problems in {burst[0]['messages']} messages",
                      app.mails()[0].get_content())

    def test_real_logs_are_counted(self):
        if not REAL_LOGS.is_dir():
            self.skipTest(f"{REAL_LOGS} is not there: the extra comparison over real logs is left out")
        app = self.application(self.copy_of(REAL_LOGS))
        app.run()
        report = counted(app.logs)
        self.assertGreater(sum(file["records"] for file in report["files"].values()), 1000)
        assert_equals_count(self, app, report)

    def test_a_layout_of_the_users_own_comes_from_a_configuration_file(self):
        app = self.application()
        (app.logs / "till.log").write_text(OWN_LOG)
        conf = self.directory / "own.conf"
        conf.write_text(
            "cloudflow.streamlets {\n"
            f'  file-ingestor.config-parameters {{ line-pattern = """{OWN_PATTERN}""", time-format = "{OWN_TIME}" }}\n'
            "  stat-aggregator.config-parameters { window = 1 minute, alert-threshold = 0 }\n}\n"
        )
        app.run("--conf", conf)
        report = counted(app.logs, "--pattern", OWN_PATTERN, "--time-format", OWN_TIME, "--window", "60")
        file = report["files"]["till.log"]
        self.assertEqual((file["records"], file["continuation"], file["invalidLines"]), (4, 2, [1, 7]))
        self.assertEqual(file["levels"], {"ERROR": 2, "INFO": 1, "WARN": 1})
        assert_equals_count(self, app, report, window=60_000, threshold=0)

    def test_the_same_layout_comes_from_the_command_line(self):
        app = self.application()
        (app.logs / "till.log").write_text(OWN_LOG)
        app.run(f"line-pattern={OWN_PATTERN}", f"file-ingestor.time-format={OWN_TIME}", "filter-text=ERROR",
                "alert-threshold=0")
        report = counted(app.logs, "--pattern", OWN_PATTERN, "--time-format", OWN_TIME, "--levels", "ERROR")
        self.assertEqual([w["problems"] for w in report["windows"]], [1, 1])
        assert_equals_count(self, app, report, threshold=0)

    def test_a_second_run_on_the_same_state_adds_what_is_new(self):
        app = self.application()
        all_logs = self.generate(self.directory / "all", "--seed", 3)
        late = "003/payments.log"
        shutil.copytree(all_logs, app.logs, dirs_exist_ok=True)
        (app.logs / late).unlink()
        app.run("alert-threshold=3")
        assert_equals_count(self, app, counted(app.logs), threshold=3)
        mails_before = app.mail_files()

        shutil.copy2(all_logs / late, app.logs / late)
        app.run("alert-threshold=3")
        assert_equals_count(self, app, counted(app.logs), threshold=3)
        self.assertEqual(len(app.mail_files()), len(mails_before) + 1)
        self.assertEqual({name: app.mail_files()[name] for name in mails_before}, mails_before)

    def test_an_object_that_is_announced_twice_counts_once(self):
        app = self.application()
        self.generate(app.logs)
        app.run("alert-threshold=3")
        mails = app.mail_files()
        app.run("alert-threshold=3")
        self.assertEqual(app.count("log-key"), 18)
        assert_equals_count(self, app, counted(app.logs), threshold=3)
        self.assertEqual(app.mail_files(), mails)

    def test_the_demo_counts_logs_of_the_users_own(self):
        logs, state = self.directory / "logs", self.directory / "state"
        self.generate(logs, "--seed", 5)
        demo = ROOT / "examples/log-processor/demo"
        done = subprocess.run([demo, "--logs", logs, "--state", state, "window=1m", "--until-idle"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        app = self.application(logs)
        app.state, app.outbox = state, state / "outbox"
        report = counted(logs, "--window", "60")
        assert_equals_count(self, app, report, window=60_000)
        for window in report["windows"]:
            self.assertRegex(done.stdout, rf"{window['app']} .* {window['messages']} +{window['problems']} ")
        self.assertIn("payments logged ", done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
