#!/usr/bin/env python3
"""Rows B of the faults page: names, keys and views. Says of each input what is wanted."""

import unittest

from faults import Application, Fault, item


class Names(Fault):
    def assert_never_runs(self, row, pattern):
        """Refused by `verify` and by `run`, with one sentence."""
        app = self.application(row)
        self.assert_refused(app.ask("verify"), pattern)
        self.assert_refused(app.run_to_end(), pattern)

    def test_fault_b1_two_states_of_one_name_are_refused(self):
        """`state<long> a{"n"}, b{"n"}`: refused, with the streamlet, the name, and that there are
        two."""
        self.assert_never_runs("b1", r"(?is)(?=.*state)(?=.*\bn\b).*(twice|two)")

    def test_fault_b2_the_name_of_a_state_is_the_authors(self):
        """A state named "event-time" beside event_time(), and the key 24: its count is 5."""
        app = self.prepared("b2")
        for n in range(5):
            app.send("in", item("k", 24, at=1_700_000_000_000 + n))
            app.run()
        self.assertEqual(
            [(r["key"], r["n"]) for r in app.peek("out")], [("24", n + 1) for n in range(5)]
        )

    def test_fault_b3_another_key_moves_records(self):
        """An inlet keyed by `key`, 2 partitions; key_by(key), then key_by(constant): one sum of
        all."""
        app = self.prepared("b3")
        app.send("in", *[item(f"key-{i % 10}", at=i) for i in range(50)])
        app.run()
        self.assertEqual(
            [(r["key"], r["n"]) for r in app.peek("out")], [("all", n + 1) for n in range(50)]
        )

    def test_fault_b4_two_outlets_of_one_name_are_refused(self):
        """Two outlets "out": refused, declared twice."""
        self.assert_never_runs("b4-outlets", r"(?i)out\b.*(twice|two)")

    def test_fault_b4_two_inlets_of_one_name_are_refused(self):
        """Two inlets "in": refused, declared twice."""
        self.assert_never_runs("b4-inlets", r"(?i)\bin\b.*(twice|two)")

    def test_fault_b5_what_is_no_text_is_not_written(self):
        """A text that is not UTF-8 at an outlet: a dead letter, the records around it pass."""
        app = self.prepared("b5")
        app.send("in", item("a", text="x"), item("bad", -1), item("b", text="y"))
        app.run()
        self.assertEqual([(r["key"], r["text"]) for r in app.peek("out")], [("a", "x"), ("b", "y")])
        letters = app.dead_letters()
        self.assertEqual([letter["value"]["key"] for letter in letters], ["bad"])
        self.assertIn("UTF-8", letters[0]["reason"])

    def test_fault_b6_the_context_lives_as_long_as_the_pipeline(self):
        """`[&]` over the context in a filter: the parameter's value, at each record."""
        app = self.prepared("b6")
        app.send("in", *[item(f"k{n}", n) for n in range(20)])
        app.run("limit=14")
        self.assertEqual([r["n"] for r in app.peek("out")], [15, 16, 17, 18, 19])

    def test_fault_b9_a_streamlet_that_judges_its_parameter_is_named(self):
        """logic() throws at the value of a required parameter, which was made up to describe it: the
        streamlet, the reason, the parameter and the way on."""
        self.assert_refused(
            self.application("b9").ask("verify"),
            r"caller[^\n]*this is no number; parameter `number`[^\n]*cloudflow::example",
        )


class Versions(Fault):
    """Two versions of a program over one state directory."""

    def versions(self, row):
        before = self.prepared(row)
        return before, Application(before.directory, row, program="faults-changed")

    def test_fault_b7_members_of_a_state_are_found_by_name(self):
        """Members of a state struct swapped in the source: each keeps its value."""
        before, after = self.versions("b7")
        before.send("in", item("k", 100))
        before.run()
        before.send("in", item("k", 100))
        after.run()
        self.assertEqual([(r["n"], r["text"]) for r in after.peek("out")], [(1, "100"), (2, "200")])

    def test_fault_b8_a_state_may_get_a_field_with_a_default(self):
        """State of a generated type with one more field, which has a default: the count goes on."""
        before, after = self.versions("b8")
        before.send("in", item("k"))
        before.run()
        before.send("in", item("k"))
        after.run()
        self.assertEqual([r["n"] for r in after.peek("out")], [1, 2])

    def renamed(self):
        before, after = self.versions("b12")
        before.send("in", *[{"key": f"k{n}", "celsius": n} for n in range(20)])
        return after

    def test_fault_b12_a_field_renamed_without_default_is_refused_at_start(self):
        """20 records of a schema that the program cannot read any more: refused, naming topic and
        field."""
        after = self.renamed()
        self.assert_refused(after.run_to_end(), r"(?s)(?=.*degrees).*\bin\b")
        self.assertEqual(self.dead_letters_after(after), 0)

    def test_fault_b12_a_replay_counts_what_was_refused(self):
        """The same, replayed into a copy: refused, or the count says that 20 were refused, not
        written."""
        after = self.renamed()
        done = after.ask("replay", "s", "--from", "beginning", "--into", "try")
        if done.returncode == 0:
            self.assertRegex(done.stdout, r"20[^\n]*(refused|dead|set aside)")
        else:
            self.assert_refused(done, "degrees")

    def dead_letters_after(self, app):
        return sum(row["waiting"] for row in app.told("dlq ls"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
