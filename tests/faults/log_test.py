#!/usr/bin/env python3
"""Rows C of the faults page about the embedded log and its disk. Says of each input what is
wanted."""

import contextlib
import errno
import re
import shutil
import threading
import time
import unittest

from faults import BOUND, Application, Fault, item, slow, wait_until

RECORDS = 20_000  # of 150 bytes: 3 MB of write-ahead log
HOUR = 3600 * 10**9  # ns
DAY = 24 * HOUR
FAILURE = re.compile("fail|Input/output error")
NOTHING_FREE = 1024 * 1024  # bytes; the log keeps 64 MiB free


def flip_bit(path, at):
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 0x10]))


class Damage(Fault):
    """A log of acknowledged records that somebody else has changed."""

    def acknowledged(self, records=RECORDS):
        """An application that was killed when it had all of them."""
        app = self.application("counts")
        life = self.ready(app)
        for begin in range(0, records, 500):  # a commit each
            some = [item(f"key-{i % 100}", i, text="x" * 100) for i in range(begin, begin + 500)]
            self.assertEqual(life.post(*some), 202)
        self.wait_for_count(app, "totals", records)
        life.kill()
        return app

    def copy_of(self, app, name):
        shutil.copytree(
            app.directory, self.directory / name, ignore=shutil.ignore_patterns("*.sock")
        )
        return Application(self.directory / name, "counts")

    def assert_refused_twice(self, app):
        """Refused with the same words each time, and not a byte changed."""
        before = app.files()
        first, second = app.run_to_end(), app.run_to_end()
        self.assert_refused(first, "log")
        self.assert_refused(second, "log")
        self.assertEqual(without_times(first.log), without_times(second.log))
        self.assertEqual(
            {path: len(data) for path, data in app.files().items()},
            {path: len(data) for path, data in before.items()},
        )
        self.assertEqual(app.files(), before)

    def test_fault_c1_a_log_without_current_is_refused_each_time(self):
        """log/CURRENT removed, `run` twice: refused twice, nothing changed; with it, all records
        are there."""
        app = self.acknowledged(2000)
        current = app.state / "log/CURRENT"
        text = current.read_bytes()
        current.unlink()
        self.assert_refused_twice(app)
        current.write_bytes(text)
        app.run()
        self.assertEqual((app.count("items"), app.count("totals")), (2000, 2000))

    def test_fault_c2_a_flipped_bit_in_the_write_ahead_log_is_refused(self):
        """One bit flipped at each of 41 places of a write-ahead log of 3 MB: refused, or no record
        is gone."""
        app = self.acknowledged()
        wal = max((app.state / "log").glob("*.log"), key=lambda path: path.stat().st_size)
        size = wal.stat().st_size
        self.assertGreater(size, 2_500_000)
        lost = []
        for place in range(41):
            damaged = self.copy_of(app, "damaged")
            flip_bit(damaged.state / "log" / wal.name, size * (2 * place + 1) // 82)
            life = damaged.run_to_end()
            if life.code == 0:
                gone = RECORDS - damaged.count("items")
                if gone != 0:
                    lost.append(gone)
            else:
                self.assert_refused(life, "state salvage")
            shutil.rmtree(damaged.directory)
        self.assertEqual(
            lost,
            [],
            f"{len(lost)} of 41 silent, {min(lost, default=0)} to {max(lost, default=0)} "
            f"of {RECORDS} records gone",
        )

    def test_guard_c2_a_torn_tail_is_no_damage(self):
        """The beginning of a write stands behind the write-ahead log, as a kill in its middle
        leaves it: it starts, and all records are there. (So it was at fc456a7, and has to stay.)"""
        app = self.acknowledged(2000)
        wal = max((app.state / "log").glob("*.log"), key=lambda path: path.stat().st_size)
        data = wal.read_bytes()
        half_a_record = b"sum." + (1000).to_bytes(2, "little") + b"\1" + bytes(50)
        wal.write_bytes(data + half_a_record)
        app.run()
        self.assertEqual((app.count("items"), app.count("totals")), (2000, 2000))

    def test_fault_c3_fresh_beside_a_running_application_is_refused(self):
        """`run --fresh` while it runs: refused; what the first one acknowledges stays."""
        app = self.application("counts")
        life = self.ready(app)
        self.assertEqual(life.post(item("a")), 202)
        self.assert_refused(app.run_to_end("--fresh", seconds=10), "(?i)runs|use|process")
        self.assertEqual(life.post(item("b")), 202)
        self.assertEqual(life.stop(), 0)
        app.run()
        self.assertEqual([r["key"] for r in app.peek("items")], ["a", "b"])

    def test_fault_c3_fresh_removes_what_is_ours_alone(self):
        """Files of others below log/ and beside it: they stay."""
        app = self.prepared("counts")
        app.send("items", item("a"))
        others = [
            app.state / "log/notes.txt",
            app.state / "log/sub/more.txt",
            app.state / "mine.txt",
        ]
        for path in others:
            path.parent.mkdir(exist_ok=True)
            path.write_text("of somebody else")
        app.run_to_end("--fresh")
        self.assertEqual([path.name for path in others if not path.exists()], [])

    def test_fault_c15_a_state_directory_can_be_checked(self):
        """`state check`: 0 for a good one; 1, with the file's name, for one that has lost a
        file."""
        app = self.acknowledged(2000)
        app.run()
        self.assertEqual(app.ask("state check").returncode, 0)
        (app.state / "log/CURRENT").unlink()
        checked = app.ask("state check")
        self.assertEqual(checked.returncode, 1)
        self.assertIn("CURRENT", checked.stdout)

    def test_fault_c15_a_backup_is_made_while_it_runs(self):
        """`state backup DIR` beside a running application: another application runs on it, with all
        records."""
        app = self.application("counts")
        life = self.ready(app)
        app.send("items", *[item(f"k{i}") for i in range(100)])
        self.wait_for_count(app, "totals", 100)
        copy = Application(self.directory / "copy", "counts")
        app.call("state backup", copy.state)
        self.assertEqual(life.post(item("later")), 202)
        copy.run()
        self.assertEqual((copy.count("items"), copy.count("totals")), (100, 100))

    def test_fault_c15_what_is_left_of_a_damaged_log_is_saved(self):
        """`state salvage DIR` of a log with a flipped bit: another application runs on what is in
        front of it."""
        app = self.acknowledged()
        wal = max((app.state / "log").glob("*.log"), key=lambda path: path.stat().st_size)
        flip_bit(wal, wal.stat().st_size // 2)
        saved = Application(self.directory / "saved", "counts")
        app.call("state salvage", saved.state)
        saved.run()
        self.assertGreater(saved.count("items"), RECORDS // 4)


def without_times(log):
    """A log whose lines can be compared: without times, process ids and free ports."""
    return re.sub(r"\d{4}-\d\d-\d\d[T ][\d:.]+Z?|:\d{4,5}\b|\b\d+ ms\b", "", log)


class Sizes(Fault):
    KEY = "k" * 600_000

    def test_fault_c6_a_key_too_large_is_a_dead_letter(self):
        """3 records, the middle one with a key of 600 kB: a dead letter, the others pass."""
        app = self.prepared("passing")
        app.send("items", item("a"), item(self.KEY), item("b"))
        app.run()
        self.assertEqual([r["key"] for r in app.peek("out")], ["a", "b"])
        self.assertEqual([letter["value"]["key"] for letter in app.dead_letters()], [self.KEY])

    def test_fault_c6_a_key_too_large_is_refused_at_the_door(self):
        """The same over HTTP: 202, 413, 202."""
        app = self.application("passing")
        life = self.ready(app)
        self.assertEqual([life.post(item(key)) for key in ("a", self.KEY, "b")], [202, 413, 202])
        self.wait_for_count(app, "out", 2)


class Disk(Fault):
    def serving(self):
        shim = self.shim()
        app = self.application("counts", shim=shim)
        return shim, app, self.ready(app)

    def test_fault_c4_a_write_that_fails_once_is_got_over(self):
        """One write into the log fails with EIO: a request is taken again within 10 s, nothing
        acknowledged is gone, /ready is ready, and SIGTERM ends it well."""
        shim, app, life = self.serving()
        keys = ["before"]
        self.assertEqual(life.post(item("before")), 202)
        shim["failure"], shim["writes_to_fail"] = errno.EIO, 1
        for i in range(10):
            if life.post(item(f"key-{i}"), seconds=2) == 202:
                keys.append(f"key-{i}")
            if shim["failed"] == 1:
                break
        self.assertEqual(shim["failed"], 1)
        wait_until("a request taken", lambda: life.post(item("after"), seconds=5) == 202, 10)
        wait_until("/ready", lambda: life.status_of("/ready") == 200, 10)
        self.assertEqual(life.stop(), 0)
        app.run()
        stored = [r["key"] for r in app.peek("items")]
        self.assertEqual([key for key in [*keys, "after"] if key not in stored], [])

    def test_fault_c4_health_tells_the_truth_while_writes_fail(self):
        """Writes fail while a client sends requests: /ready stays 503, /live 200; when they
        succeed, a request is taken and /ready is 200 within 10 s."""
        shim, _, life = self.serving()
        shim["failure"], shim["writes_to_fail"] = errno.ENOSPC, 1_000_000
        with self.busy_client(life):
            wait_until("/ready to say it", lambda: life.status_of("/ready") == 503, 2 * BOUND)
            seen = []
            for _ in range(20):
                seen.append((life.status_of("/live"), life.status_of("/ready")))
                time.sleep(0.1)
        self.assertEqual(set(seen), {(200, 503)})
        shim["writes_to_fail"] = 0
        wait_until("a request taken", lambda: life.post(item("after"), seconds=5) == 202, 10)
        wait_until("/ready", lambda: life.status_of("/ready") == 200, 10)

    @contextlib.contextmanager
    def busy_client(self, life):
        """A client that sends one request after the other."""
        is_over = threading.Event()

        def send_requests():
            while not is_over.wait(0.05):
                life.post(item("k"), seconds=2)

        client = threading.Thread(target=send_requests)
        client.start()
        try:
            yield
        finally:
            is_over.set()
            client.join()

    def test_fault_c5_a_commit_that_fails_again_and_again_is_tried_less_and_less(self):
        """Every write fails for 12 s: the pauses between attempts, which show as failed writes or
        as lines of the log, grow to at most 5 s (6 s here)."""
        shim, _, life = self.serving()
        shim["failure"], shim["writes_to_fail"] = errno.EIO, 1_000_000
        moments, seen, give_up = [time.monotonic()], None, time.monotonic() + 12
        with self.busy_client(life):
            while time.monotonic() < give_up:
                now = shim["failed"], len(FAILURE.findall(life.log))
                if now != seen and time.monotonic() - moments[-1] > 0.1:
                    moments.append(time.monotonic())
                seen = now
                time.sleep(0.02)
        pauses = [b - a for a, b in zip(moments, moments[1:])]
        self.assertTrue(pauses, "it was tried once, and no more")
        self.assertGreater(max(pauses), 1.5, f"pauses of {[round(p, 1) for p in pauses]} s")
        self.assertLess(max(pauses), 6)

    @slow
    def test_fault_c8_a_request_that_was_refused_is_not_stored_later(self):
        """Disk below the reserve, a request, 503 or no answer; room is made: after a 503 it is not
        there."""
        shim, app, life = self.serving()
        self.assertEqual(life.post(item("before")), 202)
        shim["free_bytes"] = NOTHING_FREE
        answer = life.post(item("k"), seconds=45)
        self.assertIn(answer, (503, None))
        shim["free_bytes"] = -1
        wait_until("service", lambda: life.post(item("after")) == 202, BOUND)
        stored = [r["key"] for r in app.peek("items")]
        if answer == 503:
            self.assertNotIn("k", stored, "it was refused and stored")

    def test_fault_c17_a_full_disk_at_start_is_waited_for(self):
        """64 MiB not free at start: it says so and waits; when there is room, it runs."""
        shim = self.shim()
        app = self.application("counts", shim=shim)
        shim["free_bytes"] = NOTHING_FREE
        life = self.started(app)
        wait_until("a sentence", lambda: "free" in life.log, BOUND)
        self.assertFalse(life.wait_at_most(3), f"it ended with exit code {life.process.returncode}")
        shim["free_bytes"] = -1
        wait_until("service", lambda: life.post(item("a")) == 202, BOUND)

    def test_fault_c17_a_child_that_ends_with_an_error_is_started_again(self):
        """The child is killed; the next one meets a disk whose writes fail: it runs when they
        succeed."""
        shim, _, life = self.serving()
        self.assertEqual(life.post(item("a")), 202)
        shim["failure"], shim["writes_to_fail"] = errno.EIO, 1_000_000
        life.kill_child()
        wait_until("writes that fail", lambda: shim["failed"] > 0, BOUND)
        self.assertFalse(life.wait_at_most(3), f"it ended with exit code {life.process.returncode}")
        shim["writes_to_fail"] = 0
        wait_until("service", lambda: life.post(item("b")) == 202, 2 * BOUND)

    def test_fault_c17_it_ends_well_after_a_write_that_failed(self):
        """Writes fail, then SIGTERM: exit code 0."""
        shim, _, life = self.serving()
        shim["failure"], shim["writes_to_fail"] = errno.EIO, 1_000_000
        posting = threading.Thread(target=life.post, args=(item("k"),), kwargs={"seconds": 10})
        posting.start()
        wait_until("a write that fails", lambda: shim["failed"] > 0, BOUND)
        code = life.stop()
        posting.join()
        self.assertEqual(code, 0, life.log_tail())


class Clock(Fault):
    def test_fault_c10_records_are_found_after_the_clock_was_set_back(self):
        """10 records, the clock is set back 5 h, 30 records, the clock is right again: `peek` and
        `replay` with `--from -1h` have the first 10."""
        shim = self.shim()
        app = self.prepared("passing", shim=shim)
        for hours, names in ((0, "a"), (-5, "bcd")):
            shim["clock_offset"] = hours * HOUR
            for name in names:
                app.send("items", *[item(f"{name}{i}") for i in range(10)])
        shim["clock_offset"] = 0
        wanted = {f"a{i}" for i in range(10)}
        self.assertLessEqual(wanted, {r["key"] for r in app.peek("items", "--from", "-1h")})
        app.call("replay", "s", "--from", "-1h", "--into", "try")
        self.assertLessEqual(wanted, {r["key"] for r in app.peek("out.try")})

    @slow
    def test_fault_c14_a_clock_that_jumps_deletes_nothing(self):
        """The clock jumps 8 days ahead for 70 s, and retention runs each minute: every record
        stays."""
        shim = self.shim()
        app = self.application("counts", shim=shim)
        life = self.ready(app)
        app.send("items", *[item(f"k{i}", text="x" * 1000) for i in range(5000)])
        self.wait_for_count(app, "totals", 5000)
        shim["clock_offset"] = 8 * DAY
        time.sleep(70)
        shim["clock_offset"] = 0
        self.assertEqual((len(app.peek("items")), len(app.peek("totals"))), (5000, 5000))
        self.assertEqual(life.stop(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
