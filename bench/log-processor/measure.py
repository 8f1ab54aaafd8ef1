"""Measures the log processor as its users have it, beside log-processor-by-hand, which is the limit.

usage: measure.py BY_HAND [--records N] [--runs N] [--starts N]

CLOUDFLOW_BIN names the directory of the programs. Each run is checked: its last rows per application and window are
those that were counted by hand, their sum is the number of records that were generated, and on a small set of logs
both are what tests/count_logs.py counts. Exit code 1 and a sentence when something is wrong.
"""

import argparse
import collections
import json
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("CLOUDFLOW_BIN", ROOT / "build/bin"))
PATIENCE = 300  # seconds
IDLE_SECONDS = 5
BLOCK = 512  # bytes in the kernel's count of blocks written


class Wrong(Exception):
    """A result that is not what it has to be."""


def expect(condition, sentence):
    if not condition:
        raise Wrong(sentence)


# -- figures -----------------------------------------------------------------------------------------


def show_heading(text):
    print(f"\n{text}\n{'':46} {'median':>12} {'min':>12} {'max':>12} {'n':>3}", flush=True)


def show(name, values, digits=0):
    figures = (statistics.median(values), min(values), max(values))
    print(f"  {name:44} " + " ".join(f"{v:>12,.{digits}f}" for v in figures) + f" {len(values):>3}", flush=True)


Measured = collections.namedtuple("Measured", "seconds cpu written")


def timed(command, stdout=subprocess.DEVNULL, started=lambda: None):
    """Runs a command to its good end; CPU and bytes are those of all its processes. `started` gives a later start."""
    began = time.time_ns()
    process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    ended = time.time_ns()
    process.returncode = os.waitstatus_to_exitcode(status)
    expect(process.returncode == 0, f"exit code {process.returncode}: {' '.join(map(str, command))}")
    return Measured((ended - (started() or began)) / 1e9, used.ru_utime + used.ru_stime, used.ru_oublock * BLOCK)


def show_runs(name, runs, lines):
    show(f"{name}: lines/s", [lines / r.seconds for r in runs])
    show(f"{name}: CPU s per million lines", [r.cpu * 1e6 / lines for r in runs], 2)
    show(f"{name}: MB written per million lines", [r.written / lines for r in runs], 1)


# -- the programs ------------------------------------------------------------------------------------


def generate(into, records, files):
    subprocess.run(
        [BIN / "log-generator", "--out", into, "--records", str(records), "--files", str(files)],
        check=True, stdout=subprocess.DEVNULL,
    )
    return into


def rows_of(text):
    rows = {}
    for line in text.splitlines():
        row = json.loads(line)
        rows[row["app"], row["windowstart"]] = (row["numLogs"], row["numErrors"])
    return rows


def counted_independently(logs):
    """By a parser of its own, which is slow."""
    command = [sys.executable, ROOT / "tests/count_logs.py", logs]
    report = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return {(w["app"], w["windowstart"]): (w["messages"], w["problems"]) for w in report["windows"]}


class Workplace:
    """Generated logs, and a directory for whatever runs on them."""

    def __init__(self, directory, by_hand, records, files):
        self.directory, self.by_hand_program, self.records = directory, by_hand, records
        self.logs = generate(directory / "logs", records, files)
        texts = [f.read_bytes() for f in self.logs.rglob("*.log")]
        self.bytes, self.lines = sum(map(len, texts)), sum(text.count(b"\n") for text in texts)
        self.rows = None

    def fresh_state(self):
        state = self.directory / "state"
        shutil.rmtree(state, ignore_errors=True)
        state.mkdir()
        return state

    def by_hand(self):
        state, printed = self.fresh_state(), self.directory / "rows"
        with open(printed, "wb") as out:
            measured = timed([self.by_hand_program, self.logs, state], stdout=out)
        self.check("log-processor-by-hand", rows_of(printed.read_text()))
        return measured

    def command(self, state, *arguments):
        self.fed = state / "fed"
        feed = f"date +%s%N >'{self.fed}' && '{BIN}/log-forwarder' '{self.logs}'"
        return [
            BIN / "log-processor", "run", "--state", state / "run", "--port", 0, "--metrics-port", 0, "--until-idle",
            "--feed", feed, *arguments, f"bucket={self.logs}", f"mail-outbox={state}/outbox",
        ]

    def log_processor(self, *arguments, under=()):
        """From the start of feeding to its end; what it prints is discarded."""
        state = self.fresh_state()
        measured = timed([*under, *self.command(state, *arguments)], started=lambda: int(self.fed.read_text()))
        peek = [BIN / "log-processor", "peek", "log-stat", "--state", state / "run", "--latest-by", "app,windowstart"]
        self.check("log-processor", rows_of(subprocess.run(peek, check=True, capture_output=True, text=True).stdout))
        return measured

    def check(self, who, rows):
        total = sum(logs for logs, _ in rows.values())
        expect(total == self.records, f"{who}: the last rows have {total} messages, {self.records} were generated")
        if self.rows is None:
            self.rows = rows
        expect(rows == self.rows, f"{who}: its last rows differ from those before")


# -- throughput --------------------------------------------------------------------------------------


def check_small(directory, by_hand):
    work = Workplace(directory, by_hand, 20_000, 5)
    work.rows = counted_independently(work.logs)
    work.by_hand()
    work.log_processor()
    print("20,000 records: log-processor and by hand count what tests/count_logs.py counts")


def measure_throughput(work, runs):
    variants = {"log-processor": (), "--log-level off": ("--log-level", "off"), "--workers 1": ("--workers", "1")}
    measured, by_hand = collections.defaultdict(list), []
    for _ in range(runs):
        by_hand.append(work.by_hand())
        for name, arguments in variants.items():
            measured[name].append(work.log_processor(*arguments))
    show_heading(f"{work.lines:,} lines, {work.bytes / 1e6:.0f} MB, exactly once; what is printed is discarded")
    for name in variants:
        show_runs(name, measured[name], work.lines)
    show_runs("by hand, one thread", by_hand, work.lines)
    cpu = {name: statistics.median(r.cpu for r in of) for name, of in {**measured, "by hand": by_hand}.items()}
    print(f"  CPU of log-processor / CPU by hand: {cpu['log-processor'] / cpu['by hand']:.1f}")


def measure_small_files(directory, by_hand, runs):
    """The forwarder announces one file after the other, each when the one before is durable."""
    work = Workplace(directory, by_hand, 10_000, 100)
    files = len(list(work.logs.rglob("*.log")))
    show_heading(f"{work.lines:,} lines in {files} files, ms per file")
    show("log-processor", [work.log_processor().seconds * 1000 / files for _ in range(runs)], 2)
    show("by hand, one thread", [work.by_hand().seconds * 1000 / files for _ in range(runs)], 2)


# -- where the time goes -----------------------------------------------------------------------------

ON_DISK = "RocksDB, and waiting for the disk"
# The first pattern that a function matches, from the innermost one outwards, says what the sample belongs to. The
# kernel's functions belong to who called them.
PARTS = (
    ("writing log lines and messages", r"spdlog|_IO_f|new_do_write|libc_write|asynccancel|console_sink|::v?print\b"),
    ("formatting text", r"fmt::|to_iso8601|log_level_of|tolower"),
    ("allocation", r"malloc|free|operator (new|delete)|basic_string"),
    ("MD5 of the files", r"libcrypto|MD5"),
    (ON_DISK, r"rocksdb|fdatasync|fsync"),
    ("the log in memory", r"pubsub::"),
    ("splitting and parsing lines", r"connect::(?!.*http)"),
    ("HTTP", r"boost::|http"),
    ("counting in windows", r"window_fold"),
    ("decode, encode, pipelines", r"detail::|logproc::|codec"),
    ("the runtime", r"runtime::|sandbox::|blueprint::"),
)


def part_of(thread, functions):
    of_user = [f for f in functions if "[kernel" not in f]
    if thread.startswith("rocksdb") or ("libc_write" in "".join(of_user[:1]) and "rocksdb" in "".join(of_user)):
        return ON_DISK
    for function in of_user:
        for name, pattern in PARTS:
            if re.search(pattern, function):
                return name
    return "copying and other" if of_user else "the kernel by itself"


def show_profile(work):
    data = work.directory / "perf.data"
    recorder = ["perf", "record", "-q", "-F", "997", "--call-graph", "dwarf,8192", "-o", data, "--"]
    if not shutil.which("perf") or subprocess.run(
        [*recorder, "true"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
    ).returncode:
        print("\nWhere the time goes: not measured, perf is missing or not allowed")
        return
    work.log_processor(under=recorder)
    script = subprocess.run(
        ["perf", "script", "--no-inline", "-F", "comm,tid,ip,sym,dso", "-i", data],
        check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, errors="replace",
    ).stdout
    counted = collections.Counter()
    for sample in script.split("\n\n"):
        head, *frames = sample.strip().splitlines() or [""]
        if frames and not head.startswith(("log-forwarder", "date", "sh ")):
            counted[part_of(head, [f.strip().partition(" ")[2] for f in frames])] += 1
    total = sum(counted.values())
    print(f"\nWhere the CPU time goes ({total} samples of one run)")
    for name, n in counted.most_common():
        print(f"  {name:44} {100 * n / total:5.1f} %")


# -- start and rest ----------------------------------------------------------------------------------


class Running:
    """A log processor without input. A context manager, which ends it."""

    def __init__(self, directory):
        self.log = directory / "run.log"
        logs = directory / "logs"
        logs.mkdir(parents=True)
        (logs / "one.log").write_text("2024-03-01 10:00:00,000 INFO [main] a.B: one\n")
        command = [
            BIN / "log-processor", "run", "--state", directory / "state", "--port", "0", "--metrics-port", "0",
            f"bucket={logs}", f"mail-outbox={directory}/outbox",
        ]
        with open(self.log, "wb") as log:
            self.began = time.perf_counter()
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        expect(self.process.wait(PATIENCE) == 0, "log-processor did not end well after SIGTERM")

    def said(self, pattern):
        give_up = time.perf_counter() + PATIENCE
        while not (found := re.search(pattern, self.log.read_text(errors="replace"))):
            expect(self.process.poll() is None and time.perf_counter() < give_up, f"log-processor never says {pattern}")
            time.sleep(0.001)
        return found[1]

    def since_start(self):
        return (time.perf_counter() - self.began) * 1000

    def until(self, request, status):
        """Asks until the answer has this status."""
        for _ in range(PATIENCE * 1000):
            try:
                with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                    if answer.status == status:
                        return
            except urllib.error.URLError:
                pass
            time.sleep(0.001)
        raise Wrong(f"never answered {status}: {request}")

    def processes(self):
        parent = self.process.pid
        children = pathlib.Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        expect(len(children) == 1, f"log-processor has {len(children)} children, not one")
        return {"parent": parent, "child": int(children[0])}


def measure_start(directory, starts):
    listening, first_record = [], []
    for i in range(starts):
        with Running(directory / f"start-{i}") as running:
            url = running.said(r"http-ingress listens at (http://\S+)")
            listening.append(running.since_start())
            body = json.dumps({"appId": "6f1e8f6c-0c1e-4f0e-9a53-3d6a1f0c2b11", "key": "one.log"}).encode()
            post = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method="POST")
            running.until(post, 202)
            first_record.append(running.since_start())
    show_heading("From exec on, ms")
    show("until the ingress listens", listening, 1)
    show("until the first record is committed (202)", first_record, 1)


def memory_of(pid, what):
    return int(re.search(rf"{what}:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text())[1]) / 1024


def cpu_of(pid):
    """Seconds on a CPU, of all threads, to the nanosecond."""
    return sum(int(f.read_text().split()[0]) for f in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def measure_idle(directory):
    with Running(directory / "idle") as running:
        metrics = running.said(r"metrics +(http://\S+)/metrics")
        running.until(f"{metrics}/ready", 200)
        time.sleep(1)
        before = {name: cpu_of(pid) for name, pid in running.processes().items()}
        time.sleep(IDLE_SECONDS)
        show_heading(f"Idle, nine streamlets, over {IDLE_SECONDS} s")
        for name, pid in running.processes().items():
            show(f"{name}: memory, MB (RSS)", [memory_of(pid, "VmRSS")], 1)
            show(f"{name}: of that its own, MB (anonymous)", [memory_of(pid, "RssAnon")], 1)
            show(f"{name}: CPU, ms per s", [(cpu_of(pid) - before[name]) * 1000 / IDLE_SECONDS], 2)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("by_hand", type=pathlib.Path)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--starts", type=int, default=10)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cloudflow-bench-") as name:
        directory = pathlib.Path(name)
        check_small(directory / "small", args.by_hand)
        work = Workplace(directory / "work", args.by_hand, args.records, 10)
        measure_throughput(work, args.runs)
        measure_small_files(directory / "small-files", args.by_hand, args.runs)
        show_profile(work)
        measure_start(directory, args.starts)
        measure_idle(directory)


if __name__ == "__main__":
    try:
        main()
    except Wrong as wrong:
        sys.exit(f"error: {wrong}")
