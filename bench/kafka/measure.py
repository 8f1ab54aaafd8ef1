"""Measures Cloudflow's runtime on Kafka beside the same jobs by hand on librdkafka and on Kafka Streams.

All of it in one run on one broker, one job after the other, in turns. Rates are of input records, between 10 % and 95 %
of the output, seen from outside. What comes out is compared, as a sum that does not depend on the order, with what the
generator of the input says has to come out: exit code 1 and a sentence when something is wrong.
"""

import argparse
import collections
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import report
import systems
from cluster import PATIENCE, Cluster
from sampling import Progress, Sampler


STILL = 5  # seconds in which nothing happens
FORMS = {
    "quick": {"records": 400_000, "runs": 1, "starts": 1, "seconds": 2},
    "usual": {"records": 4_000_000, "runs": 3, "starts": 7, "seconds": 5},
    "long": {"records": 8_000_000, "runs": 5, "starts": 20, "seconds": 15},
}


class Wrong(Exception):
    """A result that is not what it has to be."""


Expected = collections.namedtuple("Expected", "lines input transformed counts")


class Bench:
    def __init__(self, args, cluster, directory, jars):
        self.args, self.cluster, self.directory = args, cluster, directory
        jobs = {**systems.by_hand(args.by_hand), **systems.ours(args.app), **systems.kafka_streams(jars)}
        self.jobs = {name: job for name, job in jobs.items() if any(part in name for part in args.jobs)}
        self.expected, self.runs, self.number = {}, [], 0

    def lines_tool(self, *arguments):
        command = [self.args.lines_tool, *map(str, arguments)]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()

    # -- input and output ---

    def prepare(self, partitions, kind=()):
        """Fills an input topic, and reads it once: that it is right, and in the broker's memory."""
        topic = f"lines-{partitions}{''.join(kind)}"
        shape = ["--lines", self.args.records, "--partitions", partitions, *kind]
        self.cluster.create(topic, partitions)
        written = int(self.lines_tool("fill", self.cluster.address, topic, *shape))
        expected = Expected(written, *self.lines_tool("expect", *shape).splitlines())
        if self.lines_tool("sum", self.cluster.address, topic) != expected.input:
            raise Wrong(f"{topic} is not what was written")
        self.expected[topic] = expected
        return topic

    def check(self, job, topic, out, printed):
        expected = self.expected[topic]
        wanted = {"raw": expected.input, "transform": expected.transformed, "count": expected.counts}[job.kind]
        look = "counts" if job.kind == "count" else "sum"
        found = printed.counted or self.lines_tool(look, self.cluster.address, out)
        if found != wanted:
            raise Wrong(f"{job.name}, {topic}: expected {wanted}, found {found}")

    # -- runs ---

    @contextlib.contextmanager
    def dependencies(self, job, topic, partitions):
        """Names, a directory and an output topic for runs of a job, which are gone afterwards."""
        self.number += 1
        name = f"run{self.number}"
        directory = self.directory / name
        directory.mkdir()
        run = systems.Run(name, self.cluster.address, topic, f"{name}.out", partitions, directory)
        if job.needs_topic:
            self.cluster.create(job.out(run), partitions)
        yield run
        self.cluster.remove(f"{name}.")
        shutil.rmtree(directory)

    @contextlib.contextmanager
    def running(self, job, run):
        """Its processes; how they end is part of the result."""
        processes = []
        with open(run.directory / "log", "wb") as log:
            for command in job.commands(run):
                processes.append(subprocess.Popen(
                    list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True))
        try:
            yield processes
        finally:
            codes = [self.end(process) for process in processes]
        if any(code not in (0, 128 + signal.SIGTERM) for code in codes):
            raise Wrong(f"{job.name} ended with {codes}:\n{self.said(run)}")

    def said(self, run):
        return (run.directory / "log").read_text(errors="replace")[-2000:]

    def end(self, process):
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return "SIGKILL"

    def measure(self, name, topic, partitions):
        job, load = self.jobs[name], os.getloadavg()[0]
        with self.dependencies(job, topic, partitions) as run:
            with self.running(job, run) as processes:
                printed = Progress(processes[0].stdout)
                done = self.progress_of(job, run, printed)
                sampler = Sampler(processes, self.cluster.pid, done)
                wanted = self.wanted(job, topic)
                if not sampler.wait_for(wanted, self.args.patience):
                    raise Wrong(f"{name}: {done()} of {wanted} after {self.args.patience} s:\n{self.said(run)}")
                figures = sampler.figures(wanted, self.expected[topic].lines)
                self.cluster.until_quiet(job.out(run))  # marks of transactions have been counted as records
            self.check(job, topic, job.out(run), printed)
        self.runs.append({"job": name, "partitions": partitions, "load": load, **figures})
        print(report.line(self.runs[-1]), flush=True)

    # -- catching up ---

    def measure_counting(self, name, topic, partitions):
        """How many lines it counts of partitions that are unevenly full. All of them: else it is Wrong, but for one."""
        job, expected = self.jobs[name], self.expected[topic]
        with self.dependencies(job, topic, partitions) as run:
            with self.running(job, run) as processes:
                progress = self.progress_of(job, run, Progress(processes[0].stdout))
                self.until_still(progress, expected.lines)
                self.cluster.until_quiet(job.out(run))  # what has moved to another partition may be still to be counted
            counts = self.lines_tool("counts", self.cluster.address, job.out(run))
        if counts != expected.counts and name != systems.LOSSY:
            raise Wrong(f"{name}, {topic}: expected {expected.counts}, found {counts}")
        return int(counts.split()[0])

    def until_still(self, progress, wanted):
        """Until all is done, or nothing more happens for a while."""
        done, since = 0, time.monotonic()
        while done < wanted and time.monotonic() - since < (PATIENCE if done == 0 else STILL):
            time.sleep(0.05)
            if (now := progress()) != done:
                done, since = now, time.monotonic()

    def progress_of(self, job, run, printed):
        if job.progress == "output":
            return lambda: self.cluster.records(job.out(run))
        if job.progress == "printed":
            return lambda: printed.done
        return lambda: self.cluster.position(f"{run.name}.{job.progress}", run.lines)

    # -- start ---

    def measure_start(self, name, partitions, times):
        """Starts it again and again, each time with some new lines; gives seconds until there is more of the output."""
        job, topic, seconds = self.jobs[name], f"few-lines-{self.number}", []
        self.cluster.create(topic, partitions)
        with self.dependencies(job, topic, partitions) as run:
            for i in range(times + 1):  # the first one has to make the topic
                self.lines_tool("fill", self.cluster.address, topic, "--lines", 1000, "--partitions", partitions)
                this = run._replace(name=f"{run.name}.{i}") if job.must_be_new else run
                seconds.append(self.seconds_to_output(job, this))
                self.cluster.until_quiet(job.out(run))
        self.cluster.remove(topic)
        return seconds[1:]

    def seconds_to_output(self, job, run):
        before, began = self.cluster.records(job.out(run)), time.perf_counter()
        with self.running(job, run):
            while self.cluster.records(job.out(run)) == before:
                time.sleep(0.001)
                if time.perf_counter() - began > PATIENCE:
                    raise Wrong(f"{job.name}: no output within {PATIENCE} s:\n{self.said(run)}")
            return time.perf_counter() - began

    # -- latency ---

    def measure_latency(self, name, rate, partitions, seconds):
        job, topic = self.jobs[name], f"paced-{self.number}"
        self.cluster.create(topic, partitions)
        with self.dependencies(job, topic, partitions) as run, self.running(job, run):
            while not self.cluster.is_there(job.out(run)):
                time.sleep(0.01)
            command = ["latency", self.cluster.address, topic, job.out(run), rate, "--seconds"]
            self.lines_tool(*command, 3)  # until it runs, and is warm
            found = json.loads(self.lines_tool(*command, seconds))
        self.cluster.remove(topic)
        return {"rate": rate, **found}

    def wanted(self, job, topic):
        if job.kind == "transform":
            return int(self.expected[topic].transformed.split()[0])
        return self.expected[topic].lines


def arguments():
    parser = argparse.ArgumentParser(prog="./dev bench kafka --", description=__doc__.splitlines()[0])
    for program in ("--lines-tool", "--by-hand", "--app", "--json"):
        parser.add_argument(program, required=True, type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--quick", dest="form", action="store_const", const="quick", default="usual",
                        help="few records, one run, two minutes: are the results right?")
    parser.add_argument("--long", dest="form", action="store_const", const="long",
                        help="more records, runs and starts, for figures to publish: half an hour instead of ten minutes")
    parser.add_argument("--records", type=int, help="in an input topic")
    parser.add_argument("--runs", type=int)
    parser.add_argument("--partitions", type=lambda text: list(map(int, text.split(","))), default=[1, 4])
    parser.add_argument("--jobs", type=lambda text: text.split(","), default=[""], help="parts of the names of some")
    parser.add_argument("--starts", type=int, help="of each job")
    parser.add_argument("--seconds", type=int, help="of a measurement of latency")
    parser.add_argument("--patience", type=int, default=180, help="seconds that one run may take")
    args = parser.parse_args()
    for name, value in FORMS[args.form].items():
        if getattr(args, name) is None:
            setattr(args, name, value)
    return args


def measure_throughput(bench, topics, runs):
    for _ in range(runs):
        for partitions, topic in topics.items():
            for name, job in bench.jobs.items():
                if name != systems.LOSSY:
                    bench.measure(name, topic, partitions)


def measure_all(bench, args):
    transforming = [name for name, job in bench.jobs.items() if job.kind == "transform"]
    measure_throughput(bench, {n: bench.prepare(n) for n in args.partitions}, args.runs)
    report.show_throughput(bench.runs, args.records)

    most, uneven = max(args.partitions), None
    with_windows = [name for name, job in bench.jobs.items()
                    if job.kind == "count" and not name.startswith("by hand")]
    counted = {}
    if with_windows:
        uneven = bench.prepare(most, ["--uneven"])
        counted = {name: bench.measure_counting(name, uneven, most) for name in with_windows}
        report.show_counted(counted, args.records)

    least = min(args.partitions)
    starts = {name: bench.measure_start(name, least, args.starts) for name in transforming if args.starts}
    if starts:
        report.show_starts(starts)

    half = {name: int(row["rate"] / 2) for (name, n), row in report.medians(bench.runs).items() if n == least}
    latencies = {
        name: bench.measure_latency(name, half[name], least, args.seconds) for name in transforming if args.seconds
    }
    if latencies:
        report.show_latencies(latencies)
    return {
        "records": args.records, "runs": bench.runs, "counted": counted, "starts": starts, "latencies": latencies
    }


def main():
    args = arguments()
    jars = systems.build_kafka_streams()
    with tempfile.TemporaryDirectory(prefix="cloudflow-bench-") as name:
        directory = pathlib.Path(name)
        with Cluster(directory / "broker") as cluster:
            figures = measure_all(Bench(args, cluster, directory, jars), args)
    args.json.write_text(json.dumps(figures, indent=1))
    print(f"\nAll results are right. Figures: {args.json}")


if __name__ == "__main__":
    try:
        main()
    except Wrong as wrong:
        sys.exit(f"error: {wrong}")
