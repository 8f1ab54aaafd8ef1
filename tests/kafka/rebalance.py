"""How long each partition stands still while processes of a streamlet come, go and die under load.

The pause of a partition is the longest time between records that the application appends to the same partition of its
outlets, by the clock of the broker; so it includes the interval of commits. Every entry is compared with a model.

Run with tools/python:  tests/kafka/rebalance.py --partitions 12 --rate 5000
"""

import argparse
import collections
import os
import pathlib
import re
import shutil
import tempfile
import time
import urllib.request

import ledger
from ledger import Broker, Replica, Sender

TOPICS = ("events", "credits", "debits")
DEFAULTS_OF_KAFKA = {
    "group.consumer.min.session.timeout.ms": 45_000,
    "group.consumer.session.timeout.ms": 45_000,
    "group.consumer.min.heartbeat.interval.ms": 5000,
    "group.consumer.heartbeat.interval.ms": 5000,
}


def owned_by(replica):
    """The partitions that the process reads, as its metrics say."""
    if not replica.is_running():
        return set()
    urls = re.findall(r"^metrics +(http\S+)", replica.log_file.read_bytes()[replica.log_size:].decode(), re.M)
    if not urls:
        return set()
    try:
        with urllib.request.urlopen(urls[-1], timeout=5) as answer:
            text = answer.read().decode()
    except OSError:
        return set()
    lags = re.findall(r"^cloudflow_lag_records\{(.*)\}", text, re.M)
    return {int(re.search(r'partition="(\d+)"', labels)[1]) for labels in lags if 'topic="events"' in labels}


class Trial:
    def __init__(self, broker, replicas, partitions):
        self.broker, self.replicas, self.partitions, self.phases = broker, replicas, partitions, []

    def owners(self):
        return {p: r.number for r in self.replicas for p in owned_by(r)}

    def settle(self):
        """Until every partition has had the same owner for three seconds."""
        give_up, last, since = time.monotonic() + 120, None, 0
        while True:
            now = self.owners()
            if now != last or len(now) != self.partitions:
                last, since = now, time.monotonic()
            elif time.monotonic() - since > 3:
                return now
            assert time.monotonic() < give_up, f"not every partition has an owner: {now}"
            time.sleep(0.1)

    def phase(self, name, act):
        before, began = self.settle(), time.time()
        act()
        after = self.settle()
        moved = {p for p in after if after[p] != before[p]}
        self.phases.append((name, began, time.time(), moved))


def pauses(broker, partitions, phases):
    """Per phase and partition, the longest gap in milliseconds."""
    times = collections.defaultdict(list)
    for topic in ("credits", "debits"):
        for record in broker.records(topic):
            times[record.partition()].append(record.timestamp()[1])
    found = []
    for name, began, ended, moved in phases:
        gaps = {}
        for p in range(partitions):
            marks = sorted(t for t in times[p] if 1000 * began - 500 <= t <= 1000 * ended)
            gaps[p] = max((b - a for a, b in zip(marks, marks[1:])), default=None)
        found.append((name, moved, gaps))
    return found


def table(found):
    def longest(gaps):
        return f"{min(gaps):6} {sorted(gaps)[len(gaps) // 2]:6} {max(gaps):6}" if gaps else "     -      -      -"
    lines = ["                                  pause of a moved partition   of a partition that stays",
             "                          moved      min median    max ms       min median    max ms"]
    for name, moved, gaps in found:
        lines.append(f"{name:26} {len(moved):4}   {longest([gaps[p] for p in moved])}       "
                     f"{longest([g for p, g in gaps.items() if p not in moved])}")
    return "\n".join(lines)


def run(program, partitions, rate, broker_settings):
    directory = pathlib.Path(tempfile.mkdtemp(prefix="cloudflow-rebalance-"))
    replicas = []
    try:
        with Broker(settings=broker_settings) as broker:
            for topic in TOPICS:
                broker.create_topic(topic, partitions, message_timestamp_type="LogAppendTime")
            settings = [f'cloudflow.kafka.clusters.default.bootstrap.servers="{broker.address()}"',
                        *(f"cloudflow.topics.{topic}.partitions={partitions}" for topic in TOPICS)]
            replicas = [Replica(i, program, directory, settings) for i in range(4)]
            for replica in replicas[:3]:
                replica.start()
            seconds = 140 if broker_settings is DEFAULTS_OF_KAFKA else 60
            sent = list(ledger.events(rate * seconds, seed=1, accounts=5000))
            sender = Sender(broker.address(), sent, seconds)
            trial = Trial(broker, replicas, partitions)
            trial.settle()
            sender.start()
            trial.phase("nothing happens", lambda: time.sleep(5))
            trial.phase("a fourth joins", replicas[3].start)
            trial.phase("it is stopped (SIGTERM)", replicas[3].stop)
            trial.phase("one is killed (SIGKILL)", replicas[0].kill)
            trial.phase("it comes back", replicas[0].start)
            assert sender.is_alive(), "there was no load at the end: raise --rate"
            sender.join(120)
            assert not sender.is_alive() and not sender.failures, f"sending failed: {sender.failures[:3]}"
            ledger.wait_until_read(broker, replicas, at_most=120, partitions=partitions)
            print(table(pauses(broker, partitions, trial.phases)))
            for replica in replicas:
                if replica.is_running():
                    replica.stop()
            said = ledger.differences(sent, ledger.read_entries(broker), is_exact=True)
            assert not said, "; ".join(said)
            print(f"{len(sent)} events at {rate} a second, 3 processes, {partitions} partitions: every entry as the model has it")
    finally:
        for replica in replicas:
            replica.kill()
        shutil.rmtree(directory, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--program", default=os.environ.get("CLOUDFLOW_LEDGER", "build/bin/ledger"))
    parser.add_argument("--partitions", type=int, default=12)
    parser.add_argument("--rate", type=int, default=3000, help="events a second")
    parser.add_argument("--broker-defaults", action="store_true",
                        help="members are heard of every 5 s, and missed after 45 s; else every 0.5 s, and after 6 s")
    args = parser.parse_args()
    run(args.program, args.partitions, args.rate, DEFAULTS_OF_KAFKA if args.broker_defaults else ledger.QUICK_GROUPS)


if __name__ == "__main__":
    main()
