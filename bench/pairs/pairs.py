"""Compares two trees: each measurement in one and then in the other, again and again.

usage: pairs.py BEFORE NOW [--rounds N] [--only PART,...]

BEFORE and NOW are trees whose release build is there (tests/soak/pairs makes it). A machine may be twice as fast at noon as
in the evening, so only ratios count, each of two measurements that follow one another. For each figure: the median of
the ratios now / before (more is faster) and an interval that the true median lies in with 98.8 % (for 11 rounds: from
the second smallest to the second largest). Exit code 1: a result is wrong, or the whole interval lies below the bound.
"""

import argparse
import collections
import contextlib
import importlib.util
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BENCHES = {
    "stages": ("flow", "stages_in_batches/(64|1024)$|stages_over_owned_records"),
    "windows": ("flow", "^window/.*/commit:10240$|^windows/"),
    "append": ("pubsub/embedded", "^append/|^append_together/4"),
}
BOUND = {"kafka": 0.93}
KAFKA_RECORDS, LOG_RECORDS = 1_000_000, 2_000_000
PARTS = [*BENCHES, "log-processor", "start", "kafka"]


def module_of(path):
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.parent.name.replace("-", "_"), path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Trees:
    def __init__(self, before, now, rounds):
        self.trees, self.rounds = {"before": before.resolve(), "now": now.resolve()}, rounds
        self.figures = collections.defaultdict(lambda: {"before": [], "now": []})

    def measure(self, part, one):
        """`one(tree)` gives figures of which more is better; the tree that goes first changes from round to round."""
        for number in range(self.rounds):
            sides = list(self.trees) if number % 2 == 0 else list(reversed(self.trees))
            for side in sides:
                for name, figure in one(self.trees[side]).items():
                    self.figures[part, name][side].append(figure)
            print(".", end="", file=sys.stderr, flush=True)
        print(f" {part}", file=sys.stderr, flush=True)

    def report(self):
        """False: something has become slower."""
        print(f"| | before, median | now, median | now / before | interval | bound |\n|{'---|' * 6}")
        are_good = True
        for (part, name), sides in self.figures.items():
            ratios = sorted(n / b for b, n in zip(sides["before"], sides["now"]))
            aside = 1 if len(ratios) > 4 else 0
            least, most = ratios[aside], ratios[-1 - aside]
            bound = BOUND.get(part, 0.97)
            are_good &= most >= bound
            medians = [f"{statistics.median(values):,.4g}" for values in sides.values()]
            print(f"| {part}: {name} | {' | '.join(medians)} | {statistics.median(ratios):.3f} | "
                  f"{least:.3f} to {most:.3f} | {bound} |")
        return are_good


def benchmarks(tree, module, wanted):
    program = tree / "build/release/src/cloudflow" / module / f"cloudflow_{module.replace('/', '_')}_bench"
    done = subprocess.run(
        [program, f"--benchmark_filter={wanted}", "--benchmark_min_time=0.2", "--benchmark_format=json"],
        check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return {b["name"]: b["items_per_second"] for b in json.loads(done.stdout)["benchmarks"]}


def measure_log_processor(trees, directory):
    tool = module_of(ROOT / "bench/log-processor/measure.py")
    tool.BIN = trees.trees["now"] / "build/bin"
    work = tool.Workplace(directory / "logs-and-state", None, LOG_RECORDS, 10)

    def one(tree):
        tool.BIN = tree / "build/bin"
        return {"lines/s": work.lines / work.log_processor().seconds}

    trees.measure("log-processor", one)


def measure_start(trees, directory):
    tool = module_of(ROOT / "bench/log-processor/measure.py")
    number = iter(range(10_000))

    def one(tree):
        tool.BIN = tree / "build/bin"
        with tool.Running(directory / f"start-{next(number)}") as running:
            running.said(r"http-ingress listens at (http://\S+)")
            return {"starts/s until the ingress listens": 1000 / running.since_start()}

    trees.measure("start", one)


def measure_kafka(trees, directory):
    tool = module_of(ROOT / "bench/kafka/measure.py")
    now = trees.trees["now"] / "build/release/bench/kafka"
    args = argparse.Namespace(lines_tool=now / "kafka-lines", by_hand=None, app=None, records=KAFKA_RECORDS,
                              jobs=["transform"], patience=180)
    with tool.Cluster(directory / "broker") as cluster:
        bench = tool.Bench(args, cluster, directory, directory)
        topics = {n: bench.prepare(n) for n in (1, 4)}

        def one(tree):
            bench.jobs = tool.systems.ours(tree / "build/release/bench/kafka/log-lines")
            figures = {}
            for partitions, topic in topics.items():
                for delivery in ("at-least-once", "exactly-once"):
                    with contextlib.redirect_stdout(sys.stderr):
                        bench.measure(f"Cloudflow: transform, {delivery}", topic, partitions)
                    figures[f"{delivery}, {partitions} partitions, records/s"] = bench.runs[-1]["rate"]
            return figures

        trees.measure("kafka", one)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before", type=pathlib.Path)
    parser.add_argument("now", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--only", type=lambda text: text.split(","), default=PARTS)
    args = parser.parse_args()
    trees = Trees(args.before, args.now, args.rounds)
    with tempfile.TemporaryDirectory(prefix="cloudflow-pairs-") as name:
        directory = pathlib.Path(name)
        for part in args.only:
            if part in BENCHES:
                trees.measure(part, lambda tree, of=BENCHES[part]: benchmarks(tree, *of))
            elif part == "log-processor":
                measure_log_processor(trees, directory)
            elif part == "start":
                measure_start(trees, directory)
            elif part == "kafka":
                measure_kafka(trees, directory)
            else:
                parser.error(f"there is no part {part}: {', '.join(PARTS)}")
    print(f"{args.rounds} rounds; load {os.getloadavg()[0]:.1f}\n")
    return 0 if trees.report() else 1


if __name__ == "__main__":
    sys.exit(main())
