#!/usr/bin/env python3
"""Rows C of the faults page about processes, sockets and clients. Says of each input what is
wanted."""

import http.client
import os
import re
import resource
import signal
import socket
import stat
import threading
import time
import unittest
import urllib.parse

from faults import BOUND, Fault, at_most, item, lines_of, slow, wait_until


def address_of(url):
    parts = urllib.parse.urlsplit(url)
    return parts.hostname, parts.port


class Balance(Fault):
    def test_a_record_that_an_operator_loses_is_missed(self):
        """9 records through an operator that drops 3 of them: the balance says how many are missing
        and where, with exit code 1."""
        app = self.prepared("losses")
        app.send("in", *[item(f"k{i}") for i in range(9)])
        life = app.run_to_end()
        self.assertEqual(life.code, 1)
        self.assertIn("streamlet s: 3 records have come in and gone nowhere", life.log)

    def test_the_balance_of_what_runs_says_where_records_went(self):
        """Of two records one is filtered out: none is missing."""
        app = self.prepared("losses")
        life = self.ready(app)
        app.send("in", item("a"), item("b", -1))
        self.wait_for_count(app, "out", 1)
        row = app.told("balance")["streamlets"][0]
        self.assertEqual([row[way] for way in ("read", "delivered", "filtered", "missing")], [2, 1, 1, 0])
        life.process.terminate()


class Clients(Fault):
    FILES, IDLE = 1024, 1500

    def setUp(self):
        super().setUp()
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, before)
        wanted = 4 * self.IDLE
        if before[0] < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, before[1]), before[1]))

    def test_fault_c4_idle_connections_do_not_end_commits(self):
        """1,500 idle connections at `ulimit -n 1024`, and 150 MB come over one that was there
        before: when the idle ones have gone, a request is taken within 10 s, /ready is ready,
        and nothing acknowledged is gone."""
        app = self.application("counts")
        limit = {
            "preexec_fn": lambda: resource.setrlimit(
                resource.RLIMIT_NOFILE, (self.FILES, self.FILES)
            )
        }
        life = self.ready(app, **limit)
        taken = self.load_beside_idle_connections(address_of(life.url()))
        with at_most(self, 10 + BOUND, "it takes nothing any more"):
            wait_until("a request taken", lambda: life.post(item("after"), seconds=5) == 202, 10)
        wait_until("/ready", lambda: life.status_of("/ready") == 200, 10)
        self.assertGreaterEqual(app.count("items"), taken + 1)
        self.assertEqual(life.stop(), 0)

    def load_beside_idle_connections(self, address):
        """How many requests were acknowledged."""
        body = lines_of([item(f"key-{i}", text="x" * 90_000) for i in range(10)]).encode()
        worker = http.client.HTTPConnection(*address, timeout=5)
        worker.connect()
        idle, taken = [], 0
        try:
            for _ in range(self.IDLE):
                one = socket.socket()
                one.settimeout(1)
                idle.append(one)
                if one.connect_ex(address) != 0:
                    break
            for _ in range(170):
                try:
                    worker.request("POST", "/", body)
                    answer = worker.getresponse()
                    answer.read()
                except OSError:
                    break
                taken += 10 if answer.status == 202 else 0
                if answer.status != 202:
                    break
        finally:
            worker.close()
            for one in idle:
                one.close()
        return taken

    def test_fault_c7_a_request_that_fails_is_refused_alone(self):
        """`map` behind receive() throws at one request of two: that one is refused, all others get
        202."""
        app = self.application("counts")
        life = self.ready(app)
        answers = []
        for i in range(10):
            answers += [
                life.post(item(f"bad-{i}", text="throw"), seconds=5),
                life.post(item(f"good-{i}"), seconds=5),
            ]
        good, bad = answers[1::2], answers[::2]
        self.assertEqual(good, [202] * 10)
        self.assertEqual([a for a in bad if a is None or not 400 <= a < 600], [])
        self.assertEqual([r["key"] for r in app.peek("items")], [f"good-{i}" for i in range(10)])

    def test_fault_c9_a_client_that_drips_does_not_hold_up_others(self):
        """A client sends a long request byte by byte on the socket: other commands answer within 5
        s."""
        app = self.application("counts")
        self.ready(app)
        dripping, stop = socket.socket(socket.AF_UNIX), threading.Event()
        dripping.connect(str(app.state / "sandbox.sock"))

        def drip():
            try:
                dripping.send((1000).to_bytes(4, "big"))
                while not stop.is_set():
                    dripping.send(b"\0")
                    stop.wait(0.5)
            except OSError:
                pass  # it was hung up on, as it should be

        client = threading.Thread(target=drip)
        client.start()
        try:
            stop.wait(1)
            with at_most(self, 5, "the command waited"):
                app.call("topics")
        finally:
            stop.set()
            client.join()
            dripping.close()

    def test_fault_c13_the_state_directory_is_its_users_alone(self):
        """umask 0: the state directory is 0700, the socket 0600."""
        app = self.application("counts")
        self.ready(app, preexec_fn=lambda: os.umask(0))
        mode = {
            path.name: stat.S_IMODE(path.stat().st_mode)
            for path in (app.state, app.state / "sandbox.sock")
        }
        self.assertEqual(
            {name: oct(m) for name, m in mode.items()}, {"state": "0o700", "sandbox.sock": "0o600"}
        )


class Ends(Fault):
    @slow
    def test_fault_c9_an_endless_loop_does_not_keep_it_from_ending(self):
        """An endless loop in a streamlet; SIGTERM: it has ended after 25 s, and a little."""
        app = self.prepared("acts")
        app.send("in", item("k", text="loop"))
        life = self.ready(app)
        time.sleep(0.5)  # it has begun; nothing tells from outside
        life.process.send_signal(signal.SIGTERM)
        self.assertTrue(life.wait_at_most(40), "it had not ended after 40 s")

    def test_fault_c11_a_feed_runs_once(self):
        """The child is killed while `--feed` runs: the feed runs once, to its end, and so does the
        application."""
        app = self.application("counts")
        diary, may_end = self.directory / "diary", self.directory / "may-end"
        wait = f"while [ -e {diary} ] && [ ! -e {may_end} ]; do sleep 0.1; done"
        feed = f"echo begun >> {diary}; {wait}; echo ended >> {diary}"
        life = self.started(app, "--until-idle", "--feed", feed)
        wait_until("the feed", diary.exists, BOUND)
        life.kill_child()
        wait_until(
            "the next child", lambda: len(re.findall("ingress listens", life.log)) == 2, BOUND
        )
        wait_until("/ready", lambda: life.status_of("/ready") == 200, BOUND)
        time.sleep(0.5)  # for a second feed to begin
        may_end.touch()
        self.assertTrue(life.wait_at_most(BOUND), "it had not ended")
        time.sleep(0.5)  # for one that lives on to say so
        self.assertEqual(life.process.returncode, 0, life.log_tail())
        self.assertEqual(diary.read_text().split(), ["begun", "ended"])

    def test_fault_c12_a_port_in_use_ends_it(self):
        """`--port` that somebody else has: exit code 1, with the port and how to choose another
        one."""
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            life = self.application("counts").run_to_end("--port", port)
        self.assertIsNotNone(life.code, "it had not ended")
        self.assertEqual(life.code, 1)
        self.assertRegex(life.log, rf"{port}")
        self.assertRegex(life.log, r"--port")

    def test_fault_c16_a_second_run_that_is_refused_touches_nothing(self):
        """A second `run` beside one that runs, which has left a note of a crash: refused, and no
        file beside the log has changed."""
        app = self.application("counts")
        self.ready(app)
        (app.state / "crash-note").write_text(
            "streamlet counting, topic items, partition 0, offsets 0 to 9\n"
        )

        def files():
            return {path.name: path.read_bytes() for path in app.state.iterdir() if path.is_file()}

        before = files()
        second = app.run_to_end()
        self.assert_refused(second, "(?i)runs|use|process")
        self.assertEqual(files(), before)


if __name__ == "__main__":
    unittest.main(verbosity=2)
