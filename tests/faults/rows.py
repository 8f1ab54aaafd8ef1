#!/usr/bin/env python3
"""Runs the rows, or those whose names match, and writes what became of each as JSON.

usage: rows.py OUT.json [REGEX]

OUT.json: {"test_fault_a1_...": ["passed" | "failed" | "skipped", seconds, "why, in one line"]}
"""

import json
import pathlib
import re
import sys
import time
import unittest

PARTS = ("pipelines_test", "compile_test", "names_test", "log_test", "process_test")


def line_of(trace):
    """The last sentence of a failure, which says what was wrong."""
    lines = [line.strip() for line in trace.strip().splitlines()]
    begin = max(
        (i for i, line in enumerate(lines) if re.match(r"[\w.]*(Error|Exception|Expired)\b", line)),
        default=-1,
    )
    text = re.sub(r"^AssertionError: ", "", " ".join(filter(None, lines[begin:])))
    text = re.sub(r"^(True is not false|False is not true) : ", "", text)
    text = re.sub(r"/tmp/cloudflow-\w+", "DIR", text)
    return re.sub(r"\s+", " ", text)[:300]


class Results(unittest.TextTestResult):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.rows, self.begun = {}, 0.0

    def startTest(self, test):
        self.begun = time.monotonic()
        super().startTest(test)

    def note(self, test, outcome, why=""):
        self.rows[test.id().split(".")[-1]] = [
            outcome,
            round(time.monotonic() - self.begun, 1),
            why,
        ]

    def addSuccess(self, test):
        super().addSuccess(test)
        self.note(test, "passed")

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.note(test, "skipped", reason)

    def addFailure(self, test, failure):
        super().addFailure(test, failure)
        self.note(test, "failed", line_of(self.failures[-1][1]))

    def addError(self, test, error):
        super().addError(test, error)
        self.note(test, "failed", line_of(self.errors[-1][1]))


def chosen(suite, pattern):
    for each in suite:
        if isinstance(each, unittest.TestSuite):
            yield from chosen(each, pattern)
        elif re.search(pattern, each.id()):
            yield each


def main():
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
    suite = unittest.defaultTestLoader.loadTestsFromNames(PARTS)
    tests = unittest.TestSuite(chosen(suite, sys.argv[2] if len(sys.argv) > 2 else ""))
    results = unittest.TextTestRunner(resultclass=Results, verbosity=2).run(tests)
    pathlib.Path(sys.argv[1]).write_text(json.dumps(results.rows, indent=1) + "\n")
    return 0 if results.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
