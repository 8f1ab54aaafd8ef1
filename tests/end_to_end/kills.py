"""Kills the log processor again and again, and compares what it leaves with what an undisturbed run leaves."""

import argparse
import array
import dataclasses
import hashlib
import json
import pathlib
import random
import shutil
import sys
import tempfile
import time

from application import ROOT, Application, program, wait_until
from oracle import window_of

# Most windows are flagged: many mails. What the loggers say is not looked at.
SETTINGS = ("alert-threshold=0", "window=15s", "--log-level", "error")


@dataclasses.dataclass
class Outcome:
    """What counts in a comparison of two runs over the same logs."""

    rows: dict  # the last row of each application and window
    valid: dict  # per object: number of records and a digest of them in their order
    invalid: dict
    outbox: dict  # name -> bytes of each file
    twice: list  # lines that were given out more than once

    def differences(self, other):
        """Sentences; none when equal."""
        said = [f"given out more than once: {self.twice[:5]}"] if self.twice else []
        for name in ("rows", "valid", "invalid", "outbox"):
            ours, theirs = getattr(self, name), getattr(other, name)
            for key in sorted(ours.keys() | theirs.keys(), key=str):
                if ours.get(key) != theirs.get(key):
                    said.append(f"{name}: {key}: {ours.get(key)} instead of {theirs.get(key)}")
        return said


def outcome_of(app):
    twice = []
    valid, invalid = _records_by_object(app, "valid-logs", twice), _records_by_object(app, "invalid-logs", twice)
    rows = {window_of(row): row for row in app.peek("log-stat")}
    return Outcome(rows, valid, invalid, app.mail_files(), twice)


def _records_by_object(app, topic, twice):
    """Reads a topic as a stream, so that it may be large."""
    lines, digests = {}, {}
    for text in app.lines(topic):
        record = json.loads(text)
        source = record["source"]
        lines.setdefault(source, array.array("q")).append(record["line"])
        digests.setdefault(source, hashlib.sha256()).update(text.encode())
    for source, numbers in lines.items():
        if len(set(numbers)) != len(numbers):
            seen = set()
            twice += [(topic, source, n) for n in numbers if n in seen or seen.add(n)]
    return {source: (len(numbers), digests[source].hexdigest()) for source, numbers in lines.items()}


@dataclasses.dataclass
class Undisturbed:
    outcome: Outcome
    seconds: float
    seconds_to_start: float
    records: int


def undisturbed(directory, logs, settings):
    app = Application(directory, logs)
    began = time.monotonic()
    life = app.start("--until-idle", *settings, feeds=True)
    try:
        life.said("metrics +http")
        started = time.monotonic() - began
        if life.wait() != 0:
            raise AssertionError(f"the undisturbed run failed:\n{life.log[-3000:]}")
    finally:
        life.kill()
    seconds = time.monotonic() - began
    return Undisturbed(outcome_of(app), seconds, started, app.count("valid-logs"))


@dataclasses.dataclass
class Kill:
    after: float  # seconds since it was started
    was_at_work: bool  # or still recovering
    records: int  # in valid-logs, of all lives so far
    share: float  # of all records that there will be
    rows: int  # in log-stat
    mails: int

    def __str__(self):
        return (f"killed after {self.after:6.3f} s, {'at work' if self.was_at_work else 'starting':8}: "
                f"{self.records:8} records ({self.share:4.0%}), {self.rows:4} rows, {self.mails:4} mails")


def moments_of(numbers, kills):
    """Random shares of the work, in order: one in each of as many equal parts, so that start, middle and end are struck."""
    return [(part + numbers.random()) / kills for part in range(kills)]


def strikes(life, work, is_early, numbers):
    """Kills a life after so many seconds of work, or early, while it starts. False if it had ended before."""
    if not is_early:
        wait_until("its start or end", lambda: "metrics" in life.log or not life.is_running())
    has_ended = life.wait_at_most(numbers.uniform(0, 0.1) if is_early else work)
    life.kill()
    if has_ended and life.process.returncode != 0:
        raise AssertionError(f"it failed between kills:\n{life.log[-3000:]}")
    return not has_ended


def killed(app, settings, reference, kills, numbers, say):
    """One run, killed up to so many times and then left alone; gives the kills that struck before its end.

    Each fifth kill or so strikes while it recovers from the one before. Each life is told all logs again from the
    first on, until all are known; then each second one or so: also while old ones are processed.
    """
    struck, share = [], 0.0
    files = sum(path.is_file() for path in app.logs.rglob("*"))
    seconds_of_work = reference.seconds - reference.seconds_to_start
    for moment in moments_of(numbers, kills):
        is_early = numbers.random() < 0.2
        feeds = app.count("log-key") == 0 or len({k["key"] for k in app.peek("log-key")}) < files or numbers.random() < 0.5
        began = time.monotonic()
        life = app.start("--until-idle", *settings, feeds=feeds)
        # From where it stands, not from the moment before: each start takes time that does no work.
        work = max(moment - share, numbers.random() / kills) * seconds_of_work
        if not strikes(life, work, is_early, numbers):
            break
        after, was_at_work = time.monotonic() - began, "metrics" in life.log
        records = app.count("valid-logs")
        share = records / reference.records
        struck.append(Kill(after, was_at_work, records, share, app.count("log-stat"), len(app.mail_files())))
        say(f"  {len(struck):3}: {struck[-1]}")
    began = time.monotonic()
    app.run(*settings)
    say(f"       left alone, it ended after {time.monotonic() - began:.3f} s")
    return struck


def thirds(struck):
    """How many kills struck in each third of the work."""
    bounds = {"first": (0, 1 / 3), "second": (1 / 3, 2 / 3), "last": (2 / 3, 2)}
    return {name: sum(low <= kill.share < high for kill in struck) for name, (low, high) in bounds.items()}


def story(directory, logs, settings, reference, kills, seed, say=print):
    """Runs that are killed, until so many kills have struck in all and each third of the work has had some.

    Returns all kills and sentences about what differs from the undisturbed run; none: all is equal.
    """
    numbers, struck, differences, most_runs = random.Random(seed), [], [], 6
    say(f"seed {seed}; undisturbed: {reference.seconds:.3f} s ({reference.seconds_to_start:.3f} s to start), "
        f"{reference.records} records, {len(reference.outcome.rows)} windows, {len(reference.outcome.outbox)} mails")
    for run in range(1, most_runs + 1):
        say(f"run {run}:")
        app = Application(directory / f"killed-{run}", logs)
        struck += killed(app, settings, reference, kills, numbers, say)
        differences += [f"run {run}: {text}" for text in outcome_of(app).differences(reference.outcome)]
        if len(struck) >= kills and all(thirds(struck).values()):
            return struck, differences
    return struck, [*differences, f"{most_runs} runs, and only {len(struck)} of {kills} kills struck: {thirds(struck)}"]


def make_logs(directory, records, files):
    """Generated logs, and behind them one of each layout, also such that jump back: their late rows come one by one.

    Few and large files: telling all takes a small part of the time.
    """
    made = program("log-generator", "--out", directory, "--records", records, "--files", files)
    if made.returncode != 0:
        raise AssertionError(made.stderr)
    shutil.copytree(ROOT / "examples/log-processor/testdata/logs", directory / "layouts")
    return directory


def main():
    parser = argparse.ArgumentParser(prog="./dev soak kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=20, help="how many have to strike before the end (20)")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000), help="the moments of an earlier report")
    parser.add_argument("--records", type=int, default=2_000_000, help="log records (2000000)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cloudflow-") as name:
        directory = pathlib.Path(name)
        logs = make_logs(directory / "logs", arguments.records, files=12)
        reference = undisturbed(directory / "undisturbed", logs, SETTINGS)
        struck, differences = story(directory, logs, SETTINGS, reference, arguments.kills, arguments.seed)
    in_thirds = ", ".join(f"{count} in the {third} third" for third, count in thirds(struck).items())
    print(f"{len(struck)} kills struck: {in_thirds}")
    print("\n".join(differences[:20]) or "rows, valid-logs, invalid-logs and outbox equal those of the undisturbed run")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
