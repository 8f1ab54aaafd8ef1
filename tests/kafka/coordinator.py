"""The broker that coordinates the group of two processes is stopped and started again, again and again, while they process
events exactly once; three brokers, three replicas of everything.

Says for each round how long no partition of an outlet grew, and how long a process took to end that was told to. Then an
oracle that knows every event compares every entry. Run with tools/python:

    tests/kafka/coordinator.py --restarts 20
"""

import argparse
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import threading
import time

import confluent_kafka

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ledger  # noqa: E402
from kafka import Cluster  # noqa: E402
from waiting import wait_until  # noqa: E402

LONGEST_PAUSE = 30  # seconds without a commit in some partition
TO_END = 25  # seconds from SIGTERM to the end of a process
AWAY = 1  # seconds from the end of a broker to its next start
TOPICS = ("credits", "debits")


class Watch(threading.Thread):
    """Notes when entries appear in each partition; those of credits and debits are of the same task."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.consumer = confluent_kafka.Consumer({
            "bootstrap.servers": address, "group.id": "watch", "enable.auto.commit": False,
            "isolation.level": "read_committed", "log_level": 0})
        self.last = [time.monotonic()] * ledger.PARTITIONS
        self.longest = [0.0] * ledger.PARTITIONS
        self.count = [0] * ledger.PARTITIONS
        self.must_end = False

    def run(self):
        self.consumer.assign([confluent_kafka.TopicPartition(topic, partition, confluent_kafka.OFFSET_BEGINNING)
                              for topic in TOPICS for partition in range(ledger.PARTITIONS)])
        while not self.must_end:
            record = self.consumer.poll(0.1)
            if record is None or record.error():
                continue
            at, now = record.partition(), time.monotonic()
            self.longest[at] = max(self.longest[at], now - self.last[at])
            self.last[at] = now
            self.count[at] += 1
        self.consumer.close()

    def begin(self):
        self.longest = [0.0] * ledger.PARTITIONS

    def pause(self):
        """The longest since begin(), that which has not ended included."""
        now = time.monotonic()
        return max(max(longest, now - last) for longest, last in zip(self.longest, self.last, strict=True))

    def wait_for_growth(self, seconds):
        """Until there is something new in every partition; false when it takes longer."""
        before, give_up = list(self.count), time.monotonic() + seconds
        while any(now == then for now, then in zip(self.count, before, strict=True)):
            if time.monotonic() > give_up:
                return False
            time.sleep(0.05)
        return True


def stop_within(replica, seconds):
    """SIGTERM; says how long it took."""
    began = time.monotonic()
    replica.signal(signal.SIGTERM)
    try:
        code = replica.process.wait(seconds)
    except Exception as late:
        raise AssertionError(f"replica {replica.number} has not ended {seconds} s after SIGTERM:\n"
                             f"{replica.tail()}") from late
    assert code == 0, f"replica {replica.number} ended with {code}:\n{replica.tail()}"
    return time.monotonic() - began


def round_of(number, cluster, replicas, watch, say, kind):
    """One restart. In every other round a process is told to end while the broker is away, else when it is back."""
    watch.begin()
    victim = replicas[number % 2]
    broker = number % 3 + 1 if "each" in kind else cluster.coordinator(ledger.GROUP)
    took = []
    ending = threading.Thread(target=lambda: took.append(stop_within(victim, TO_END + 5)))
    (cluster.kill_one if "kill" in kind else cluster.stop_one)(broker)
    if number % 2:
        ending.start()
    time.sleep(AWAY)
    cluster.start_one(broker)
    if not number % 2:
        goes_on = watch.wait_for_growth(LONGEST_PAUSE + 5)
        assert goes_on, stands_still(replicas, watch)
        ending.start()
    ending.join()
    assert took, f"replica {victim.number} did not end as it has to:\n{victim.tail()}"
    victim.start()
    assert watch.wait_for_growth(LONGEST_PAUSE + 5), stands_still(replicas, watch)
    for replica in replicas:
        replica.check()
    pause = watch.pause()
    when = "while it is away" if number % 2 else "when it is back"
    say(f"{number + 1:5}  broker {broker}  {pause:5.1f} s  {took[0]:5.1f} s {when}")
    return pause, took[0]


def stands_still(replicas, watch):
    logs = "\n".join(f"-- replica {r.number}\n{r.tail()}" for r in replicas)
    return f"no commit for {watch.pause():.0f} s in some partition\n{logs}"


def run(program, restarts, rate=1000, seed=1, kind="stop", say=print):
    """Raises when an entry is not as it has to be, or something takes too long. `kind`: stop or kill the coordinator of the
    group; stop-each or kill-each: one broker after the other, and so leaders, controllers and what coordinates
    transactions."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="cloudflow-coordinator-"))
    replicas, watch = [], None
    try:
        with Cluster(ledger.QUICK_GROUPS) as cluster:
            cluster.create_topic("events", ledger.PARTITIONS)
            for topic in TOPICS:
                cluster.create_topic(topic, ledger.PARTITIONS)
            replicas = [ledger.Replica(i, program, directory, settings(cluster)) for i in range(2)]
            for replica in replicas:
                replica.start()
            longest_run = restarts * 120 + 120
            sender = ledger.Sender(cluster.address(), list(ledger.events(rate * longest_run, seed)), longest_run)
            sender.start()
            watch = Watch(cluster.address())
            watch.start()
            assert watch.wait_for_growth(60), stands_still(replicas, watch)
            say("round  stopped   longest pause  SIGTERM to end")
            rounds = [round_of(n, cluster, replicas, watch, say, kind) for n in range(restarts)]
            compare(cluster, replicas, sender, say)
        pause, to_end = (max(values) for values in zip(*rounds, strict=True))
        say(f"longest pause without a commit {pause:.1f} s (at most {LONGEST_PAUSE}), "
            f"SIGTERM to end {to_end:.1f} s (at most {TO_END})")
        assert pause <= LONGEST_PAUSE and to_end <= TO_END
        shutil.rmtree(directory, ignore_errors=True)
    except BaseException:
        say(f"logs of the replicas: {directory}")
        raise
    finally:
        if watch:
            watch.must_end = True
        for replica in replicas:
            replica.kill()


def settings(cluster):
    return [f'cloudflow.kafka.clusters.default.bootstrap.servers="{cluster.address()}"',
            "cloudflow.kafka.clusters.default.replicas=3",
            "cloudflow.streamlets.ledger.config.cloudflow.delivery=exactly-once"]


def compare(cluster, replicas, sender, say):
    sender.is_to_end = True
    sender.join(300)
    assert not sender.is_alive() and not sender.failures, f"sending failed: {sender.failures[:3]}"
    sent = sender.sent[:sender.count]
    ledger.wait_until_read(cluster, replicas, at_most=120)
    for replica in replicas:
        stop_within(replica, TO_END)
    found = wait_until("all entries", lambda: ledger.read_entries(cluster))
    said = ledger.differences(sent, found, is_exact=True)
    assert not said, "; ".join(said)
    say(f"{len(found)} entries of {len(sent)} events: every one as the model has it, once")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--program", default=os.environ.get("CLOUDFLOW_LEDGER", "build/bin/ledger"))
    parser.add_argument("--restarts", type=int, default=20)
    parser.add_argument("--rate", type=int, default=1000, help="events a second")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kind", choices=("stop", "kill", "stop-each", "kill-each"), default="stop")
    args = parser.parse_args()
    print(f"{args.restarts} restarts ({args.kind}), {args.rate} events a second, --seed {args.seed}")
    run(args.program, args.restarts, args.rate, args.seed, args.kind)


if __name__ == "__main__":
    main()
