#!/usr/bin/env python3
"""Rows A5, A8, A9, B10, B11 of the faults page: either the compiler refuses with one sentence, or
what is compiled is right. The cases are compiled with the options of the program `faults` of the
same tree."""

import json
import re
import shlex
import subprocess
import unittest

from faults import FAULTS, ROOT, Application, Fault, item

# The build tree that the programs come from.
TREE = FAULTS.parents[1]
CASES = ROOT / "tests/faults/compile_cases"
ERROR = re.compile(r"^[^\s:]+:\d+:\d+: (?:fatal )?error: (.*)$", re.MULTILINE)
LONGEST_BYTES = 2000  # a message that is still read


def compile_command():
    """How the tree compiles a source of `faults`: the compiler with its options, without the
    source."""
    for entry in json.loads((TREE / "compile_commands.json").read_text()):
        if "tests/faults/CMakeFiles/faults.dir/" in entry["command"]:
            words = shlex.split(entry["command"])
            begin = next(i for i, word in enumerate(words) if word.endswith("g++"))
            return words[begin : words.index("-o")], entry["directory"]
    raise AssertionError(f"{TREE}/compile_commands.json does not know the target faults")


class Compiled(Fault):
    def refused(self, name):
        """The errors that the compiler has; none when it takes the case."""
        command, directory = compile_command()
        done = subprocess.run(
            [*command, "-fsyntax-only", "-fdiagnostics-color=never", CASES / f"{name}.cpp"],
            capture_output=True,
            text=True,
            cwd=directory,
            timeout=120,
        )
        self.output = done.stderr.replace(f"{CASES}/", "").replace(f"{ROOT}/", "")
        return ERROR.findall(self.output) if done.returncode != 0 else []

    def assert_one_sentence(self, errors, pattern):
        self.assertEqual(
            len(errors),
            1,
            f"{len(errors)} errors, {self.output.count(chr(10))} lines; the first: "
            f"{errors[0][:300] if errors else 'none'}",
        )
        self.assertRegex(errors[0], "static assertion failed|call to non-.constexpr. function")
        self.assertRegex(errors[0], pattern)
        self.assertLessEqual(len(self.output.encode()), LONGEST_BYTES)

    def must_be_refused(self, name, pattern):
        errors = self.refused(name)
        self.assertNotEqual(errors, [], "it compiles")
        self.assert_one_sentence(errors, pattern)

    def refused_or(self, name, pattern):
        """None when it is refused by a sentence, else the application that was made of it."""
        errors = self.refused(name)
        if errors:
            self.assert_one_sentence(errors, pattern)
            return None
        self.link(name)
        app = Application(self.directory / "app", "case")
        app.program = self.directory / "program"
        return app

    def link(self, name):
        command, directory = compile_command()
        made = self.directory / "case.o"
        subprocess.run(
            [*command, "-c", CASES / f"{name}.cpp", "-o", made],
            cwd=directory,
            check=True,
            timeout=120,
        )
        of_the_program = FAULTS.relative_to(TREE) / "faults"
        asked = subprocess.run(
            ["ninja", "-C", TREE, "-t", "commands", of_the_program],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()[-1]
        words = [
            w
            for w in shlex.split(asked.split("&&")[1])
            if not re.search(r"faults\.dir/programs/(?!main)", w)
        ]
        words[words.index("-o") + 1] = str(self.directory / "program")
        words.insert(words.index("-o"), str(made))
        subprocess.run(words, cwd=TREE, check=True, timeout=120)

    def test_fault_a5_an_error_behind_a_source_is_not_dropped(self):
        """from(source).map(-> result).on_error<E>(dead_letter): refused, or kept with cause and
        content."""
        app = self.refused_or("a5_error_behind_a_source", "dead_letter")
        if app:
            life = app.run()
            kept = life.log + app.all_dead_letters()
            self.assertRegex(kept, "this number is refused")
            self.assertRegex(kept, "bad-number")

    def test_fault_a5_an_error_behind_a_window_keeps_its_content(self):
        """The same behind a window: refused, or kept with cause and content, and no record is made
        up."""
        app = self.refused_or("a5_error_behind_a_window", "dead_letter")
        if app:
            app.run()
            app.send("in", item("bad-sum", -1), item("good", 1, at=120_000))
            app.run()
            self.assertEqual(
                [letter for letter in app.dead_letters("s.in") if letter["value"] is None], []
            )
            self.assertRegex(app.all_dead_letters(), "bad-sum")

    def test_fault_a8_what_fold_returns_is_not_forgotten(self):
        """fold() with a function that returns the new state: refused, or the count is right."""
        app = self.refused_or("a8_fold_by_value", "fold")
        if app:
            app.run()
            app.send("in", *[item("k")] * 3)
            app.run()
            self.assertEqual([r["n"] for r in app.peek("out")], [1, 2, 3])

    def test_fault_a9_filter_wants_a_bool(self):
        """filter() with what find() gives: refused."""
        self.must_be_refused("a9_filter_by_a_position", "(?=.*filter).*bool")

    def test_fault_b4_two_server_ports_are_refused(self):
        """Two server ports: refused, declared twice."""
        self.must_be_refused("b4_two_server_ports", "server.*twice")

    def composite(self, name):
        app = self.refused_or(name, "nothing: composite keys are to work")
        app.run()
        app.send("in", *[item(key, n) for key, n in (("a", 1), ("a", 2), ("a", 1), ("b", 1))])
        app.run()
        self.assertEqual(
            sorted((r["key"], int(r["text"]), r["n"]) for r in app.peek("out")),
            [("a", 1, 1), ("a", 1, 2), ("a", 2, 1), ("b", 1, 1)],
        )

    def test_fault_b10_a_pair_is_a_key(self):
        """key_by() with a pair: it counts by both."""
        self.composite("b10_key_of_a_pair")

    def test_fault_b10_a_struct_is_a_key(self):
        """key_by() with a struct: it counts by its members."""
        self.composite("b10_key_of_a_struct")

    def test_fault_b10_a_bool_as_the_key_of_an_outlet_gets_a_sentence(self):
        """An outlet whose key is a bool: refused by one sentence, or the keys are "true" and
        "false"."""
        app = self.refused_or("b10_outlet_key_of_a_bool", "key")
        if app:
            app.run()
            app.send("in", item("a", 1), item("b", -1))
            app.run()
            keys = [r["key"] for r in app.peek("out", "--format", "full")]
            self.assertEqual(keys, ["false", "true"])

    def test_fault_b11_a_stage_behind_to_gets_the_right_sentence(self):
        """`.to(out).filter(f)`: refused; to() ends a stream, also_to() does not."""
        self.must_be_refused("b11_filter_behind_to", r"also_to\(|to\(\) ends|\bend")

    def test_fault_b11_to_behind_for_each_gets_the_right_sentence(self):
        """`.for_each(f).to(out)`: refused; for_each() ends a stream."""
        self.must_be_refused("b11_to_behind_for_each", r"for_each|\bend")

    def test_fault_b11_logic_that_is_not_const_gets_the_right_sentence(self):
        """logic() without const: refused; const is what is missing, and nothing else is said."""
        self.must_be_refused("b11_logic_that_is_not_const", r"^(?!.*error is above).*\bconst\b")


if __name__ == "__main__":
    unittest.main(verbosity=2)
