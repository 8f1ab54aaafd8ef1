#!/usr/bin/env python3
"""Rows A of the faults page: compositions of pipelines. Says of each input what is wanted."""

import signal
import threading
import time
import unittest

from faults import BOUND, Fault, at_most, item, wait_until

PARTS = 20  # of an expansion in a row A10


def numbers(records):
    """Key, n and the number of the part."""
    return sorted((r["key"], r["n"], int(r["text"])) for r in records)


class Expansions(Fault):
    def test_fault_a1_all_records_of_a_flat_map_are_expanded(self):
        """One record becomes 3, each of these 3 again: 9 come out."""
        app = self.prepared("a1")
        app.send("in", item("k"))
        app.run()
        self.assertEqual(
            numbers(app.peek("out")), [(f"k{i}", 0, part) for i in range(3) for part in range(3)]
        )

    def test_fault_a2_all_records_of_one_poll_are_expanded(self):
        """A source that emits 3 records in one poll, each expanded into 3: 9 come out, and it
        ends."""
        app = self.application("a2-source")
        app.run()
        self.assertEqual(
            numbers(app.peek("out")), [(key, 0, part) for key in "abc" for part in range(3)]
        )

    def test_fault_a2_a_request_is_answered_behind_its_last_part(self):
        """A request with 100 outputs: when 202 comes, all 100 are there."""
        app = self.application("a2-receive")
        life = self.ready(app)
        self.assertEqual(life.post(item("k"), streamlet="s"), 202)
        self.assertEqual(numbers(app.peek("out")), [("k", 0, part) for part in range(100)])

    def test_fault_a2_a_request_goes_on_after_a_kill(self):
        """A request with 100 outputs, killed when some are there: the others come once."""
        app = self.application("a2-receive")
        life = self.ready(app)
        answers = []
        client = threading.Thread(
            target=lambda: answers.append(life.post(item("k"), streamlet="s"))
        )
        client.start()
        self.wait_for_count(app, "out", 1)
        life.kill()
        client.join()
        self.assertEqual(answers, [None], "it was answered before it was done")
        again = self.started(app)
        wait_until("the other parts", lambda: app.count("out") >= 100, BOUND)
        self.assertEqual(again.stop(), 0)
        self.assertEqual(numbers(app.peek("out")), [("k", 0, part) for part in range(100)])

    def test_fault_a4_a_second_attempt_that_throws_is_a_dead_letter(self):
        """`advance` gives a retriable error, then throws: a dead letter, and the next record
        passes."""
        app = self.prepared("a4")
        app.send("in", item("bad", -1), item("good", 1))
        app.run()
        self.assertEqual([r["key"] for r in app.peek("out")], ["good"])
        letters = app.dead_letters()
        self.assertEqual([letter["value"]["key"] for letter in letters], ["bad"])
        self.assertIn("the second attempt fails", letters[0]["reason"])

    def kill_between_parts(self, row):
        app = self.prepared(row)
        app.send("in", item("k"))
        life = self.started(app)
        self.wait_for_count(app, "out", 2)
        life.kill()
        self.assertLess(app.count("out"), PARTS, "it was killed too late to show anything")
        app.run()
        return app

    def test_fault_a10_what_is_folded_and_then_expanded_is_counted_once(self):
        """`fold(s).expand(...)` killed between two parts: each part once, all with the count 1."""
        app = self.kill_between_parts("a10-fold")
        self.assertEqual(numbers(app.peek("out")), [("k", 1, part) for part in range(PARTS)])

    def test_fault_a10_the_rest_of_what_is_distinct_and_expanded_comes(self):
        """`distinct(s).expand(...)` killed between two parts: each part once."""
        app = self.kill_between_parts("a10-distinct")
        self.assertEqual(numbers(app.peek("out")), [("k", 0, part) for part in range(PARTS)])

    def test_fault_a10_what_is_delivered_above_an_expansion_is_delivered_once(self):
        """`also_to(a).expand(...)` killed between two parts: one record in `a`, each part once."""
        app = self.kill_between_parts("a10-also-to")
        self.assertEqual(numbers(app.peek("out")), [("k", 0, part) for part in range(PARTS)])
        self.assertEqual([r["key"] for r in app.peek("also")], ["k"])


class Blame(Fault):
    def test_fault_a3_a_window_that_fails_is_to_blame_and_no_record(self):
        """A window's total makes `map` throw; 12 good windows of other keys come later: they all
        fire, no record is a dead letter, and key and window of the bad one are said."""
        app = self.prepared("a3")
        bad = item("bad-total", -1, at=0)
        good = [item(f"key-{i}", i + 1, at=60_000 * (i + 1)) for i in range(12)]
        app.send("in", bad, *good)
        life = app.run()
        self.assertEqual(
            [(r["key"], r["n"]) for r in app.peek("out")], [(g["key"], g["n"]) for g in good]
        )
        self.assertEqual(
            [
                letter
                for letter in app.dead_letters("s.in")
                if letter["value"]["key"] != "bad-total"
            ],
            [],
        )
        said = life.log + app.call("dlq ls") + app.all_dead_letters()
        self.assertIn("bad-total", said)
        self.assertRegex(said, "1970-01-01")

    def test_fault_a6_what_is_thrown_and_no_exception_is_a_dead_letter(self):
        """`throw 42` in a filter: a dead letter, the records around it pass."""
        app = self.prepared("acts")
        app.send("in", item("a"), item("bad", text="throw 42"), item("b"))
        app.run()
        self.assertEqual([r["key"] for r in app.peek("out")], ["a", "b"])
        self.assertEqual([letter["value"]["key"] for letter in app.dead_letters()], ["bad"])

    def test_fault_a12_a_record_that_crashes_is_found_and_dead_lettered(self):
        """A segmentation fault at one record of 100: a dead letter, the 99 others pass, and so does
        what a neighbour has to do."""
        app = self.prepared("acts")
        records = [item(f"k{i}", text="crash" if i == 50 else "") for i in range(100)]
        app.send("in", *records)
        app.send("beside", item("neighbour"))
        app.run(seconds=3 * BOUND)
        self.assertEqual(
            [r["key"] for r in app.peek("out")], [r["key"] for r in records if not r["text"]]
        )
        self.assertEqual([letter["value"]["key"] for letter in app.dead_letters()], ["k50"])
        self.assertEqual([r["key"] for r in app.peek("beside-out")], ["neighbour"])

    def test_fault_a12_a_record_that_crashes_where_it_is_expanded_is_found(self):
        """Three records that become three each, the second crashes at its first part: a dead letter,
        the parts of the others come once."""
        app = self.prepared("expanded")
        app.send("in", item("a"), item("bad", text="crash"), item("b"))
        app.run(seconds=3 * BOUND)
        self.assertEqual(
            numbers(app.peek("out")), [(key, 0, part) for key in "ab" for part in range(3)]
        )
        self.assertEqual([letter["value"]["key"] for letter in app.dead_letters()], ["bad"])


class Time(Fault):
    def busy(self):
        """An application that works on 1,024 records, of which each takes 50 ms."""
        app = self.prepared("acts")
        app.send("in", *[item(f"k{i}", 50, text="sleep") for i in range(1024)])
        life = self.ready(app, "--workers", 1)
        time.sleep(0.5)  # it has begun; nothing tells from outside
        return app, life

    def test_fault_a7_a_slow_record_delays_the_end_by_itself_alone(self):
        """1,024 records that take 50 ms each; SIGTERM: it ends within ten times the time of one."""
        _, life = self.busy()
        life.process.send_signal(signal.SIGTERM)
        self.assertTrue(life.wait_at_most(5), "it had not ended after 5 s")
        self.assertEqual(life.process.returncode, 0)

    def test_fault_a7_a_slow_record_delays_its_neighbours_by_itself_alone(self):
        """1,024 records that take 50 ms each: a record of another streamlet of the same worker
        passes."""
        app, _ = self.busy()
        app.send("beside", item("neighbour"))
        with at_most(self, 5, "the neighbour stood still"):
            self.wait_for_count(app, "beside-out", 1, seconds=10)

    def test_fault_a11_a_source_that_is_idle_has_not_ended(self):
        """A source that emits 3 records, one each second, and `--until-idle`: 3 records, then the
        end."""
        app = self.application("a11")
        app.run()
        self.assertEqual([r["n"] for r in app.peek("out")], [0, 1, 2])


if __name__ == "__main__":
    unittest.main(verbosity=2)
