"""The ledger application in several processes on a real broker, while faults strike it, and an oracle that knows every
record that it was sent.

Run with tools/python:  tests/kafka/ledger.py --records 1000000 --faults 30 --seed 7
"""

import argparse
import collections
import dataclasses
import io
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import confluent_kafka
import fastavro

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from kafka import Broker  # noqa: E402
from waiting import wait_until  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
PARTITIONS = 4
GROUP = "ledger.ledger.events"
SCHEMAS = {t["name"]: t for t in json.loads((ROOT / "tests/kafka/ledger/schemas/Ledger.avpr").read_text())["types"]}
# A member that is killed or paused is missed after this long.
SESSION_SECONDS = 6
QUICK_GROUPS = {
    "group.consumer.min.session.timeout.ms": 1000,
    "group.consumer.session.timeout.ms": 1000 * SESSION_SECONDS,
    "group.consumer.min.heartbeat.interval.ms": 200,
    "group.consumer.heartbeat.interval.ms": 500,
}


def schema_of(name):
    return fastavro.parse_schema({**SCHEMAS[name], "namespace": "ledger"})


# -- what is sent, and what has to come of it -------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Event:
    id: int
    account: str
    amount: int


@dataclasses.dataclass(frozen=True)
class Entry:
    topic: str
    id: int
    account: str
    sequence: int
    balance: int


def events(count, seed, accounts=500):
    """Some accounts are busier than others; a tenth of the events is nothing."""
    numbers = random.Random(seed)
    for i in range(count):
        account = f"account-{int(accounts * numbers.random() ** 2)}"
        amount = 0 if numbers.random() < 0.1 else numbers.choice((-1, 1)) * numbers.randint(1, 1000)
        yield Event(i, account, amount)


def entries_of(sent):
    """The model: what the application writes, by account, in order."""
    balances, entries = collections.Counter(), collections.defaultdict(list)
    for e in sent:
        if e.amount == 0:
            continue
        balances[e.account] += e.amount
        topic = "credits" if e.amount > 0 else "debits"
        entries[e.account].append(Entry(topic, e.id, e.account, len(entries[e.account]) + 1, balances[e.account]))
    return entries


class Sender(threading.Thread):
    """Sends the events over so many seconds, whatever happens to the broker meanwhile."""

    def __init__(self, address, sent, seconds):
        super().__init__(daemon=True)
        self.address, self.sent, self.seconds = address, sent, seconds
        self.count, self.failures = 0, []
        self.is_to_end = False  # behind the event that is being sent; `count` says how many there are then

    def run(self):
        producer = confluent_kafka.Producer({
            "bootstrap.servers": self.address, "enable.idempotence": True, "partitioner": "murmur2_random",
            "message.timeout.ms": 600_000, "linger.ms": 20, "queue.buffering.max.messages": 50_000, "log_level": 0})
        schema, began = schema_of("Event"), time.monotonic()
        for e in self.sent:
            if self.is_to_end:
                break
            body = io.BytesIO()
            fastavro.schemaless_writer(body, schema, dataclasses.asdict(e))
            self._send(producer, e.account, body.getvalue())
            self.count += 1
            if self.count % 500 == 0:
                producer.poll(0)
                time.sleep(max(self.count / len(self.sent) * self.seconds - (time.monotonic() - began), 0))
        if producer.flush(300) != 0:
            self.failures.append("the broker does not acknowledge")

    def _send(self, producer, key, value):
        while True:
            try:
                return producer.produce("events", value, key, on_delivery=self._delivered)
            except BufferError:
                producer.poll(0.1)

    def _delivered(self, failure, _):
        if failure:
            self.failures.append(str(failure))


# -- processes of the application --------------------------------------------------------------------------------------


class Replica:
    """One process of the streamlet. Started again, it has its directory of state again."""

    def __init__(self, number, program, directory, settings):
        self.number, self.log_file = number, directory / f"replica-{number}.log"
        self.command = [program, "streamlet", "ledger", "--state", str(directory), "--ordinal", str(number),
                        "--port", "0", "--metrics-port", "0", *settings]
        self.process, self.log_size = None, 0

    def start(self):
        with open(self.log_file, "ab") as log:
            self.log_size = log.tell()
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log)

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        if self.is_running():
            self.process.kill()
            self.process.wait()

    def stop(self):
        """In order: what was processed is committed, the group is left."""
        has_begun = self.log_file.stat().st_size > self.log_size
        self.signal(signal.SIGTERM)
        code = self.process.wait(60)
        is_early = not has_begun and code == -signal.SIGTERM  # before it had any say in it
        assert code == 0 or is_early, f"replica {self.number} ended with {code}:\n{self.tail()}"

    def check(self):
        """A process that ended by itself has failed."""
        if self.process is not None and self.process.poll() not in (None, 0, -signal.SIGKILL, -signal.SIGTERM):
            raise AssertionError(f"replica {self.number} ended with {self.process.returncode}:\n{self.tail()}")

    def tail(self):
        return self.log_file.read_text(errors="replace")[-4000:] if self.log_file.exists() else ""


# -- faults ------------------------------------------------------------------------------------------------------------


class Faults:
    """One after the other, drawn from a seed. At least one replica is left alone at any time."""

    KINDS = {"kill": 4, "pause": 3, "blink": 2, "remove": 2, "add": 2, "broker": 2}
    OF_A_REPLICA = set(KINDS) - {"broker"}
    NEEDS_SECURED_BROKER = False

    def __init__(self, server, directory, numbers):
        self.server, self.directory, self.numbers = server, directory, numbers
        self.replicas, self.spare = [], None

    def connection(self):
        """Settings with which the replicas reach the broker."""
        return [f'cloudflow.kafka.clusters.default.bootstrap.servers="{self.server.address()}"']

    def strike(self, say):
        kind = self.numbers.choices(list(self.KINDS), list(self.KINDS.values()))[0]
        running = [r for r in self.replicas if r.is_running()]
        victim = self.numbers.choice(running)
        if kind == "add" and self.spare.is_running():
            kind = "remove"
        if kind == "remove":
            victim = self.spare if self.spare.is_running() else victim
        say(f"{kind} {self.spare.number if kind == 'add' else victim.number}" if kind in Faults.OF_A_REPLICA else kind)
        getattr(self, kind)(victim)

    def kill(self, victim):
        victim.kill()
        time.sleep(self.numbers.uniform(0, 2))
        victim.start()

    def pause(self, victim):
        """Past its session: the others have its partitions when it wakes up."""
        self._stop_for(victim, SESSION_SECONDS + self.numbers.uniform(1, 4))

    def blink(self, victim):
        self._stop_for(victim, self.numbers.uniform(0.1, 2))

    def _stop_for(self, victim, seconds):
        victim.signal(signal.SIGSTOP)
        time.sleep(seconds)
        victim.signal(signal.SIGCONT)

    def remove(self, victim):
        victim.stop()
        if victim is not self.spare:
            time.sleep(self.numbers.uniform(0, 2))
            victim.start()

    def add(self, _):
        self.spare.start()

    def broker(self, _):
        self.server.kill()
        time.sleep(self.numbers.uniform(0, 2))
        self.server.start()


# -- the oracle --------------------------------------------------------------------------------------------------------


def read_entries(broker):
    entries = []
    for topic, name in (("credits", "Credit"), ("debits", "Debit")):
        schema = schema_of(name)
        for record in broker.records(topic):
            body = fastavro.schemaless_reader(io.BytesIO(record.value()), schema)
            assert record.key().decode() == body["account"], f"{topic}: key {record.key()} of {body}"
            entries.append(Entry(topic, **body))
    return entries


def differences(sent, found, is_exact):
    """Sentences; none when all is as it has to be."""
    model = entries_of(sent)
    expected = {e.id: e for of_account in model.values() for e in of_account}
    ids = collections.Counter(e.id for e in found)
    said = [f"{len(expected.keys() - ids.keys())} lost: {sorted(expected.keys() - ids.keys())[:5]}"]
    said = said if expected.keys() - ids.keys() else []
    if strangers := ids.keys() - expected.keys():
        said.append(f"{len(strangers)} that were never sent or had to be filtered: {sorted(strangers)[:5]}")
    if not is_exact:
        return said
    if twice := [i for i, n in ids.items() if n > 1]:
        said.append(f"{len(twice)} more than once: {sorted(twice)[:5]}")
    if wrong := [e for e in found if e.id in expected and e != expected[e.id]]:
        said.append(f"{len(wrong)} with another state than the model: {wrong[:3]} instead of "
                    f"{[expected[e.id] for e in wrong[:3]]}")
    last = {}
    for e in found:  # partition by partition, in the order of their offsets
        if last.get((e.topic, e.account), 0) >= e.sequence:
            said.append(f"out of order: {e}")
        last[(e.topic, e.account)] = e.sequence
    return said[:10]


def wait_until_read(broker, replicas, at_most, partitions=PARTITIONS):
    """Until the group has come to the end of every partition."""
    give_up = time.monotonic() + at_most
    admin = broker.admin()

    def answer():
        try:
            return broker.ends(admin, "events", partitions)
        except confluent_kafka.KafkaException as refusal:  # a leader that has just come back
            if not refusal.args[0].retriable():
                raise

    ends = {("events", p): end for p, end in wait_until("the ends of events", answer).items()}
    while True:
        for replica in replicas:
            replica.check()
        positions = broker.committed(GROUP)
        behind = {p: (positions.get(p, -1), end) for p, end in ends.items() if positions.get(p, -1) < end}
        if not behind:
            return
        if time.monotonic() > give_up:
            logs = "\n".join(f"-- replica {r.number}\n{r.tail()}" for r in replicas)
            raise AssertionError(f"stands still: (topic, partition): (position, end) {behind}\n{logs}")
        time.sleep(0.2)


# -- one run -----------------------------------------------------------------------------------------------------------


def run(program, records, faults, seed, seconds, settings=(), is_exact=True, say=print, kind_of_faults=Faults):
    """Raises when a record is lost, repeated, out of order, or stands for another state than the model's."""
    numbers, began = random.Random(seed), time.monotonic()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="cloudflow-ledger-"))
    replicas = []
    try:
        with Broker(kind_of_faults.NEEDS_SECURED_BROKER, QUICK_GROUPS) as broker:
            broker.create_topic("events", PARTITIONS)
            sent = list(events(records, seed))
            striker = kind_of_faults(broker, directory, numbers)
            settings = [*striker.connection(), *settings]
            replicas = [Replica(i, program, directory, settings) for i in range(4)]
            striker.replicas, striker.spare = replicas[:3], replicas[3]
            for replica in replicas[:3]:
                replica.start()
            sender = Sender(broker.address(), sent, seconds)
            sender.start()

            def tell(text):
                share = sender.count / len(sent)
                say(f"{time.monotonic() - began:7.1f} s  {share:4.0%} sent  {text}")

            for n in range(faults):
                due = began + 5 + (n + numbers.random()) / max(faults, 1) * max(seconds - 5, 1)
                time.sleep(max(due - time.monotonic(), 0))
                striker.strike(tell)
                for replica in replicas:
                    replica.check()
            sender.join(600)
            assert not sender.is_alive() and not sender.failures, f"sending failed: {sender.failures[:3]}"
            wait_until_read(broker, replicas, at_most=120)
            tell("all read")
            for replica in replicas:
                if replica.is_running():
                    replica.stop()
            found = read_entries(broker)
            said = differences(sent, found, is_exact)
            assert not said, f"seed {seed}: " + "; ".join(said)
            expected = sum(len(of_account) for of_account in entries_of(sent).values())
            tell(f"{len(found)} entries of {expected} expected, of {len(sent)} events: as they have to be")
            shutil.rmtree(directory, ignore_errors=True)
            return len(found) - expected
    except BaseException:
        say(f"logs of the replicas: {directory}")
        raise
    finally:
        for replica in replicas:
            replica.kill()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--program", default=os.environ.get("CLOUDFLOW_LEDGER", "build/bin/ledger"))
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--faults", type=int, default=30)
    parser.add_argument("--seconds", type=float, help="over which records are sent and faults strike")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--delivery", choices=("exactly-once", "at-least-once"), default="exactly-once")
    args = parser.parse_args()
    seconds = args.seconds or 8 * args.faults + 10
    print(f"{args.records} records, {args.faults} faults over {seconds:.0f} s, {args.delivery}, --seed {args.seed}")
    run(args.program, args.records, args.faults, args.seed, seconds,
        [f"cloudflow.streamlets.ledger.config.cloudflow.delivery={args.delivery}"], args.delivery == "exactly-once")


if __name__ == "__main__":
    main()
