#!/usr/bin/env python3
"""What a person at a terminal, a script or the system does to commands. No row of the faults page: found by a stranger
who operated the example."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import threading
import unittest

from faults import BOUND, Fault, at_most, item, slow, wait_until


class Output(Fault):
    def printed_to(self, app, path, *command):
        with open(path, "wb") as full:
            return subprocess.run([app.program, *command, "--state", app.state], stdout=full, stderr=subprocess.PIPE,
                                  text=True, env=app.environment, timeout=BOUND)

    def test_what_cannot_be_printed_is_a_failure(self):
        """`topics` and `peek` onto a full disk: exit code 1 and a sentence."""
        app = self.prepared("acts")
        app.send("in", *[item(f"k{i}") for i in range(1000)])
        for command in (("topics",), ("topics", "-o", "json"), ("peek", "in")):
            done = self.printed_to(app, "/dev/full", *command)
            self.assertEqual(done.returncode, 1, command)
            self.assertIn("cannot be written: No space left on device", done.stderr)

    def test_a_log_that_cannot_be_written_ends_nothing(self):
        """stderr is full: `run --until-idle` does its work."""
        app = self.prepared("acts")
        app.send("in", item("k"))
        with open("/dev/full", "wb") as full:
            done = subprocess.run([app.program, "run", "--until-idle", "--state", app.state, "--metrics-port", "0"],
                                  stdout=subprocess.DEVNULL, stderr=full, env=app.environment, timeout=BOUND)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(app.count("out"), 1)

    def test_an_application_whose_output_nobody_reads_ends(self):
        """It prints into a pipe that is closed: no start after start, but the exit code of SIGPIPE."""
        app = self.prepared("acts")
        app.send("in", item("k", text="print"))
        reading, writing = os.pipe()
        os.close(reading)
        with os.fdopen(writing, "wb") as closed:
            done = subprocess.run([app.program, "run", "--state", app.state, "--metrics-port", "0"],
                                  stdout=closed, stderr=subprocess.PIPE, text=True, env=app.environment, timeout=BOUND)
        self.assertEqual(done.returncode, 128 + signal.SIGPIPE)
        self.assertIn("nobody reads what the application prints", done.stderr)

    def test_a_table_moves_no_cursor(self):
        """Control characters of a record are shown as such."""
        app = self.prepared("acts")
        app.send("in", item("k", text="\x1b[2Jgone"))
        self.assertIn("\\u001b[2Jgone", app.call("peek", "in", "--format", "table"))


class Input(Fault):
    def test_input_that_cannot_be_read_to_its_end_is_not_sent(self):
        """A directory, and standard input that is closed: refused, and nothing is sent."""
        app = self.prepared("acts")
        self.assert_refused(app.ask("send", "in", app.directory), "cannot be read")
        closed = subprocess.run(["sh", "-c", 'exec "$0" send in --state "$1" <&-', app.program, app.state],
                                capture_output=True, text=True, env=app.environment, timeout=BOUND)
        self.assert_refused(closed, "standard input: cannot be read")
        self.assertEqual(app.count("in"), 0)

    def test_values_that_are_none_are_refused(self):
        """An empty name of a copy (which would have reset the original), threads beyond counting."""
        app = self.prepared("acts")
        for command in (
            ("replay", "s", "--from", "beginning", "--into", "", "--yes"),
            ("run", "--workers", "100000"),
            ("run", "--workers", "-1"),
            ("peek", "in", "-n", "-1"),
            ("peek", "in", "-n", "3", "--latest-by", "key"),
        ):
            done = app.ask(command[0], *command[1:])
            self.assertEqual(done.returncode, 2, f"{command}: {done.stderr}")

    def test_a_field_that_no_record_has_is_refused(self):
        """`peek --latest-by` of a misspelt field."""
        app = self.prepared("acts")
        app.send("in", item("k"), item("k"), item("l"))
        self.assertEqual([r["key"] for r in app.peek("in", "--latest-by", "key")], ["k", "l"])
        self.assert_refused(app.ask("peek", "in", "--latest-by", "kye"), "no record has a field kye")


class Following(Fault):
    def test_following_what_does_not_run_is_refused(self):
        app = self.prepared("acts")
        self.assert_refused(app.ask("peek", "in", "-f"), "does not run")

    def test_following_ends_after_as_many_records_as_were_asked_for(self):
        app = self.prepared("acts")
        self.ready(app)
        app.send("in", item("a"))
        command = [app.program, "peek", "in", "-f", "-n", "3", "--state", app.state]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=app.environment) as peek:
            ends = threading.Timer(BOUND, peek.kill)
            ends.start()
            self.assertIn('"a"', peek.stdout.readline())
            app.send("in", *[item(key) for key in "bcd"])
            self.assertEqual(re.findall(r'"key":"(.)"', peek.stdout.read()), ["b", "c"])
            ends.cancel()
        self.assertEqual(peek.returncode, 0)


class Ends(Fault):
    def test_a_run_that_is_interrupted_before_its_input_has_ended_has_failed(self):
        """SIGTERM to `run --until-idle` while it is fed: 143, so that what comes behind it does not."""
        life = self.started(self.application("counts"), "--until-idle", "--feed", "sleep 60")
        wait_until("/ready", lambda: life.status_of("/ready") == 200, BOUND)
        self.assertEqual(life.stop(), 128 + signal.SIGTERM)

    @slow
    def test_an_application_that_does_not_answer_is_given_up(self):
        """Its process is stopped: commands say so, and do not wait for ever."""
        app = self.application("counts")
        life = self.ready(app)
        child = life.child()
        os.kill(child, signal.SIGSTOP)
        try:
            with at_most(self, 40, "it waited"):
                self.assert_refused(app.ask("topics", seconds=60), "has not answered for 20 s")
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGCONT)


class Places(Fault):
    def test_a_metrics_port_that_was_asked_for_and_is_in_use_ends_it(self):
        """Probes of that port would hear of another application."""
        app = self.prepared("acts")
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = str(other.getsockname()[1])
            done = subprocess.run([app.program, "run", "--state", app.state, "--metrics-port", port],
                                  capture_output=True, text=True, env=app.environment, timeout=BOUND)
        self.assert_refused(done, f"{port}.*--metrics-port")

    @unittest.skipUnless(os.geteuid() == 0, "only root can become somebody else")
    def test_the_directory_of_another_user_is_refused_by_a_sentence(self):
        app = self.prepared("acts")
        os.chmod(self.directory, 0o755)
        os.chmod(app.directory, 0o755)
        for command in (("topics",), ("peek", "in"), ("state", "backup", self.directory / "copy")):
            done = subprocess.run([app.program, *command, "--state", app.state], capture_output=True, text=True,
                                  env=app.environment, timeout=BOUND, user=65534, group=65534, extra_groups=[])
            self.assertEqual(done.returncode, 1, command)
            self.assertRegex(done.stderr, "Permission denied")


if __name__ == "__main__":
    unittest.main(verbosity=2)
