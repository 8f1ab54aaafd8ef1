"""Windows that catch up on partitions of which some are long read when others have hardly begun."""

import collections
import io
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import confluent_kafka
import fastavro

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from kafka import Broker  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("CLOUDFLOW_VISITS", str(ROOT / "build/bin/visits"))
SCHEMAS = {t["name"]: fastavro.parse_schema({**t, "namespace": "visits"})
           for t in json.loads((ROOT / "tests/kafka/visits/schemas/Visits.avpr").read_text())["types"]}
PATIENCE = 120  # seconds
MINUTE = 60_000
SIZES = (60_000, 15_000, 4_000, 1_000)
FIRST, LAST = 1_700_000_000_000, 1_700_000_000_000 + 180 * MINUTE


def encoded(page, at):
    out = io.BytesIO()
    fastavro.schemaless_writer(out, SCHEMAS["Visit"], {"page": page, "at": at})
    return out.getvalue()


def visits(partition, numbers):
    """Over the same three hours in each partition, each at most a minute behind those before it; then one that closes
    all windows."""
    size = SIZES[partition]
    for i in range(size):
        at = FIRST + (LAST - FIRST) * i // size - numbers.randrange(MINUTE)
        yield f"page-{numbers.randrange(40)}", at
    yield "the end", LAST + 60 * MINUTE


class CatchingUp(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.broker = Broker().__enter__()
        cls.addClassCleanup(cls.broker.__exit__)
        cls.broker.create_topic("visits", len(SIZES))
        cls.expected, numbers = collections.Counter(), random.Random(20261120)
        for partition in range(len(SIZES)):
            sent = list(visits(partition, numbers))
            cls.broker.produce("visits", (encoded(*visit) for visit in sent), partition=partition)
            cls.expected.update((page, at // MINUTE * MINUTE) for page, at in sent if page != "the end")

    def start(self, prefix, number, directory):
        """The default is exactly-once, as the streamlet has state."""
        log = open(directory / f"log-{number}", "wb")
        self.addCleanup(log.close)
        process = subprocess.Popen(
            [PROGRAM, "streamlet", "totals", "--kafka", self.broker.address(), "--state", directory, "--metrics-port", "0",
             "--ordinal", str(number), f"cloudflow.kafka.prefix={prefix}", "cloudflow.topics.visits.topic.name=visits",
             "cloudflow.topics.visits.managed=false"],
            stdout=log, stderr=log)
        self.addCleanup(lambda: process.poll() is None and process.kill())
        return process

    def is_done(self, group, admin):
        """All visits have moved to the tasks of their pages, and all that has moved is committed."""
        positions = self.broker.committed(group, admin)
        topics = {topic for topic, _ in positions if not topic.endswith(".retry")}
        if len(topics) != 2 or len(positions) < 2 * len(SIZES):
            return False
        for topic in sorted(topics, key=lambda name: name != "visits"):
            for p, end in self.broker.ends(admin, topic, len(SIZES)).items():
                if positions.get((topic, p), -1) < end:
                    return False
        return True

    def totals_of(self, prefix, processes):
        """By page and minute: of its rows the last one counts. And how many visits were too late."""
        with tempfile.TemporaryDirectory() as directory:
            running = [self.start(prefix, n, pathlib.Path(directory)) for n in range(processes)]
            give_up = time.monotonic() + PATIENCE
            admin = self.broker.admin()
            while not self.is_done(f"{prefix}visits.totals.visits", admin):
                logs = [p.read_text()[-2000:] for p in pathlib.Path(directory).glob("log-*")]
                self.assertTrue(all(p.poll() is None for p in running), logs)
                self.assertLess(time.monotonic(), give_up, logs)
                time.sleep(0.1)
            for process in running:
                process.send_signal(signal.SIGTERM)
            self.assertEqual([p.wait(PATIENCE) for p in running], [0] * processes)
        totals = {}
        for record in self.broker.records(f"{prefix}totals"):
            row = fastavro.schemaless_reader(io.BytesIO(record.value()), SCHEMAS["Total"])
            minute = int(row["minute"].timestamp() * 1000)
            if row["page"] != "the end":
                self.assertGreater(row["visits"], totals.get((row["page"], minute), 0))
                totals[row["page"], minute] = row["visits"]
        return totals, len(self.broker.records(f"{prefix}late"))

    def expect_exact(self, processes):
        totals, late = self.totals_of(f"by-{processes}-", processes)
        wrong = [(at, n, totals.get(at)) for at, n in self.expected.items() if totals.get(at) != n]
        self.assertEqual((len(totals), sum(totals.values()), wrong[:5]),
                         (len(self.expected), sum(SIZES), []))
        self.assertEqual(late, 0)

    def test_one_process_counts_every_visit_once(self):
        self.expect_exact(1)

    def test_three_processes_count_every_visit_once(self):
        self.expect_exact(3)


if __name__ == "__main__":
    unittest.main(verbosity=2)
