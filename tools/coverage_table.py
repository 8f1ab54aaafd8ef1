"""Prints gcovr's summary as a table with one line for each module (folder with a CMakeLists.txt).

usage: coverage_table.py SUMMARY.json REPOSITORY
"""

import json
import pathlib
import sys
from collections import defaultdict


def module_of(file: str, root: pathlib.Path) -> str:
    folder = pathlib.PurePath(file).parent
    while not (root / folder / "CMakeLists.txt").exists() and folder.parent != folder:
        folder = folder.parent
    return folder.as_posix().removeprefix("src/cloudflow/")


def percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:5.1f} %" if whole else "      -"


def main(summary: str, root: pathlib.Path) -> None:
    files = json.loads(pathlib.Path(summary).read_text())["files"]
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for file in files:
        counts = (file["line_covered"], file["line_total"], file["branch_covered"], file["branch_total"])
        for name in (module_of(file["filename"], root), "all"):
            sums[name] = [a + b for a, b in zip(sums[name], counts)]
    print(f"\n{'module':<24}{'lines':>7}{'reached':>10}{'branches':>10}{'reached':>10}")
    for name in sorted(sums, key=lambda n: (n == "all", n)):
        lines, all_lines, branches, all_branches = sums[name]
        print(f"{name:<24}{all_lines:>7}{percent(lines, all_lines):>10}"
              f"{all_branches:>10}{percent(branches, all_branches):>10}")


if __name__ == "__main__":
    main(sys.argv[1], pathlib.Path(sys.argv[2]))
