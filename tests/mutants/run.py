#!/usr/bin/env python3
"""Makes one drawn change after the other in a copy of the tree and says which test notices.

usage: run.py --tree DIR [--tree DIR ...] --results FILE [--list FILE] [--only MODULE] [--at-most N]

DIR is a work tree that nobody else uses; it is built in DIR/build/mutants. With several, as many changes are tried at a
time. FILE gets a line of JSON for each change, so that a run can be stopped and gone on with. The tests of the module
itself come first, then those of the modules above.
"""

import argparse
import collections
import concurrent.futures
import json
import pathlib
import queue
import re
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
# A test program, and its arguments. In this order, until one fails.
ABOVE = {
    "state": ["flow", "runtime"], "flow": ["runtime", "pipelines"], "application": ["operate", "runtime", "sandbox"],
    "operate": ["sandbox"], "runtime": ["testkit", "operate", "sandbox", "pipelines"],
    "pubsub": ["pubsub_embedded", "runtime", "sandbox"], "pubsub/embedded": ["runtime", "sandbox"],
    "pubsub/simulated": ["testkit", "pipelines"], "blueprint": ["application", "sandbox"],
    "schema": ["codegen", "flow", "runtime"], "config": ["blueprint", "sandbox"], "testkit": ["log_processor_simulation"],
}
PATIENCE = 300  # seconds for one test program


def programs_of(module):
    return [module.replace("/", "_"), *ABOVE.get(module, [])]


def target_of(program):
    return program if program in ("pipelines", "log_processor_simulation") else f"cloudflow_{program}_test"


class Tree:
    def __init__(self, root):
        self.root = pathlib.Path(root).resolve()
        self.build = self.root / "build/mutants"

    def configure(self):
        if not (self.build / "build.ninja").exists():
            subprocess.run(["cmake", "-S", self.root, "-B", self.build, "-G", "Ninja", "-DCLOUDFLOW_DEVELOPER_MODE=ON",
                            "-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_CXX_FLAGS=-O0 -g0 -w"], check=True, stdout=subprocess.DEVNULL)

    def commit(self):
        git = ["git", "-C", str(self.root), "rev-parse", "--short", "HEAD"]
        return subprocess.run(git, check=True, capture_output=True, text=True).stdout.strip()

    def makes(self, program):
        done = subprocess.run(["ninja", "-C", self.build, target_of(program)], capture_output=True, text=True)
        return done.returncode == 0, done.stdout[-2000:]

    def failure_of(self, program):
        """The name of the test that fails; None when all pass."""
        path = next(p for p in self.build.rglob(target_of(program)) if p.is_file())
        command = [path, "--runs", "150", "--log", "embedded"] if program == "pipelines" else [path, "--gtest_brief=1", "--gtest_fail_fast"]
        try:
            done = subprocess.run(command, cwd=self.root, capture_output=True, text=True, errors="replace", timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            return f"{program}: hangs"
        if done.returncode == 0:
            return None
        failed = re.search(r"\[  FAILED  \] (\S+)", done.stdout)
        return f"{program}: {failed[1].rstrip(',') if failed else f'ends with {done.returncode}'}"


def passes_unchanged(trees, programs):
    """Builds them in each tree, the later ones out of what the first has left in ccache; ends when a test fails."""
    for tree in trees:
        tree.configure()
        for program in dict.fromkeys(programs):
            is_made, output = tree.makes(program)
            if not is_made or (tree is trees[0] and (failure := tree.failure_of(program))):
                sys.exit(f"without any change: {program}: {output if not is_made else failure}")


def outcome_of(tree, mutant):
    module, _, file, number, before, after = mutant
    path = tree.root / file
    text = path.read_text()
    lines = text.split("\n")
    found = [i for i, line in enumerate(lines) if line.replace("\t", "  ") == before]
    if not found:
        return "gone", ""
    at = min(found, key=lambda i: abs(i + 1 - int(number)))
    lines[at] = after
    path.write_text("\n".join(lines))
    try:
        for program in programs_of(module):
            is_made, output = tree.makes(program)
            if not is_made:
                return "does not compile", output[-300:]
            if failure := tree.failure_of(program):
                return "killed", failure
        return "survived", ""
    finally:
        path.write_text(text)


def report(results):
    by_module = collections.defaultdict(collections.Counter)
    for r in results:
        by_module[r["module"]][r["outcome"]] += 1
    print("| module | killed | survived | does not compile | gone |\n|---|---|---|---|---|")
    for module, counts in by_module.items():
        print(f"| {module} | {counts['killed']} | {counts['survived']} | {counts['does not compile']} | {counts['gone']} |")
    print("\nSurvived:\n")
    for r in results:
        if r["outcome"] == "survived":
            print(f"- {r['file']}:{r['line']} ({r['kind']}): `{r['before'].strip()}` -> `{r['after'].strip()}`")
    print("\nKilled:\n")
    for r in results:
        if r["outcome"] == "killed":
            print(f"- {r['file']}:{r['line']} ({r['kind']}), by {r['by']}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tree", required=True, action="append")
    parser.add_argument("--results", required=True, type=pathlib.Path)
    parser.add_argument("--list", type=pathlib.Path, default=HERE / "drawn.tsv")
    parser.add_argument("--only")
    parser.add_argument("--at-most", type=int, default=10_000)
    options = parser.parse_args()
    drawn = [line.split("\t") for line in options.list.read_text().splitlines()]
    results = [json.loads(line) for line in options.results.read_text().splitlines()] if options.results.exists() else []
    known = {(r["file"], r["before"], r["after"]) for r in results}
    left = [m for m in drawn if (m[2], m[4], m[5]) not in known and options.only in (None, m[0])][: options.at_most]
    trees = [Tree(root) for root in options.tree]
    passes_unchanged(trees, [p for module in dict.fromkeys(m[0] for m in left) for p in programs_of(module)])
    idle = queue.SimpleQueue()
    for tree in trees:
        idle.put(tree)

    def result_of(mutant):
        tree, began = idle.get(), time.monotonic()
        try:
            outcome, by = outcome_of(tree, mutant)
        finally:
            idle.put(tree)
        return dict(zip(("module", "kind", "file", "line", "before", "after"), mutant), outcome=outcome, by=by,
                    commit=tree.commit(), seconds=round(time.monotonic() - began))

    with concurrent.futures.ThreadPoolExecutor(len(trees)) as pool:
        for done in concurrent.futures.as_completed([pool.submit(result_of, mutant) for mutant in left]):
            r = done.result()
            results.append(r)
            with options.results.open("a") as file:
                file.write(json.dumps(r) + "\n")
            by = r["by"].splitlines()[0] if r["by"] else ""
            print(f"{len(results)}: {r['file']}:{r['line']} {r['kind']}: {r['outcome']} {by}", flush=True)
    report(results)


if __name__ == "__main__":
    main()
