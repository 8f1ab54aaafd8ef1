#!/usr/bin/env python3
"""Prints what rows.py found in two trees as a table of Markdown.

usage: table.py BEFORE.json NOW.json NAME_OF_BEFORE

Exit code 1 when a row fails now, or when one passes before, which then is a test that cannot fail.
"""

import json
import pathlib
import re
import sys


def order(name):
    row = re.match(r"test_(?:fault|guard)_([a-z])(\d+)_", name)
    return (row[1], int(row[2]), name) if row else ("z", 0, name)


def cell(result):
    if result is None:
        return "not run"
    outcome, seconds, why = result
    why = why.replace("|", "\\|").replace("`", "'")
    return f"{outcome}, {seconds} s" + (f": {why}" if why else "")


def main():
    before, now = (json.loads(pathlib.Path(path).read_text()) for path in sys.argv[1:3])
    print(f"| row | what is wanted | {sys.argv[3]} | now |\n|---|---|---|---|")
    for name in sorted(before | now, key=order):
        kind, row, *words = name.removeprefix("test_").split("_")
        sentence = " ".join(words) + (" (a guard)" if kind == "guard" else "")
        print(f"| {row.upper()} | {sentence} | {cell(before.get(name))} | {cell(now.get(name))} |")
    faults = {name: result for name, result in before.items() if "_fault_" in name}
    passed_before = [name for name, result in faults.items() if result[0] == "passed"]
    failed_now = [name for name, result in now.items() if result[0] == "failed"]
    failed = len(faults) - len(passed_before)
    print(f"\n{len(faults)} tests of rows: {failed} fail in {sys.argv[3]}, {len(failed_now)} now.")
    for name in passed_before:
        print(f"Passes in {sys.argv[3]}: {name}")
    return 1 if failed_now or passed_before else 0


if __name__ == "__main__":
    sys.exit(main())
