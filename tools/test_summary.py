"""Sums up the JUnit files of a test run: one line for each phase, what failed, and last a line in ctest's words.

usage: test_summary.py FOLDER PHASE...
Exit code 1 when a test failed, a phase did not run, or (with CI set) a test was skipped.
"""

import os
import pathlib
import sys
import xml.etree.ElementTree as xml


def cases_of(file: pathlib.Path) -> list[dict]:
    return [dict(case.attrib) for case in xml.parse(file).getroot().iter("testcase")]


def main(folder: pathlib.Path, phases: list[str]) -> int:
    total, failed, skipped, missing = 0, [], [], []
    print()
    for phase in phases:
        file = folder / f"{phase}.xml"
        cases = cases_of(file) if file.exists() else []
        if not cases:
            missing.append(f"{phase}: did not run")
            print(f"  {phase:<6} did not run")
            continue
        bad = [c["name"] for c in cases if c["status"] == "fail"]
        out = [c["name"] for c in cases if c["status"] in ("notrun", "disabled")]
        slowest = max(cases, key=lambda c: float(c["time"]))
        print(f"  {phase:<6} {len(cases):5} tests, {len(bad)} failed, {len(out)} skipped;"
              f" slowest {float(slowest['time']):.1f} s ({slowest['name']})")
        total += len(cases)
        failed += [f"{phase}: {name}" for name in bad]
        skipped += [f"{phase}: {name}" for name in out]

    for name in skipped:
        print(f"  skipped  {name}")
    for name in failed:
        print(f"  FAILED   {name}")
    if skipped and os.environ.get("CI"):
        failed += skipped
    # A phase that did not run counts as one test that failed, so that the last line can stand alone.
    failed += missing
    total += len(missing)
    print(f"\n{100 * (total - len(failed)) // total}% tests passed, {len(failed)} tests failed out of {total}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]), sys.argv[2:]))
