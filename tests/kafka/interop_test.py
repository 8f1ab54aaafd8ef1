"""The filter application among clients that know nothing of it: Kafka's and Avro's own for Java, those for Python, kcat."""

import io
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import fastavro

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from kafka import Broker  # noqa: E402
from waiting import PATIENCE  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILTER = os.environ.get("CLOUDFLOW_FILTER", str(ROOT / "build/bin/filter-on-kafka"))
SCHEMA_FILE = ROOT / "examples/filter/schemas/Reading.avsc"
SCHEMA = fastavro.parse_schema(json.loads(SCHEMA_FILE.read_text()))


def reading(sensor, celsius):
    out = io.BytesIO()
    fastavro.schemaless_writer(out, SCHEMA, {"sensor": sensor, "celsius": celsius})
    return out.getvalue()


def decoded(record):
    return fastavro.schemaless_reader(io.BytesIO(record.value()), SCHEMA)


def murmur2_partition(key, partitions):
    """Kafka's default partitioner, written from its description."""
    mask = 0xFFFFFFFF
    h = (0x9747B28C ^ len(key)) & mask
    for i in range(0, len(key) - 3, 4):
        k = int.from_bytes(key[i:i + 4], "little") * 0x5BD1E995 & mask
        k = (k ^ k >> 24) * 0x5BD1E995 & mask
        h = (h * 0x5BD1E995 ^ k) & mask
    if rest := key[len(key) & ~3:]:
        h = (h ^ int.from_bytes(rest, "little")) * 0x5BD1E995 & mask
    h = (h ^ h >> 13) * 0x5BD1E995 & mask
    return ((h ^ h >> 15) & 0x7FFFFFFF) % partitions


class Interoperability(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.broker = Broker().__enter__()
        cls.addClassCleanup(cls.broker.__exit__)
        cls.address = cls.broker.address()
        cls.broker.create_topic("readings", 2)
        cls.broker.create_topic("hot", 3)
        state = tempfile.TemporaryDirectory()
        cls.addClassCleanup(state.cleanup)
        cls.app = subprocess.Popen(
            [FILTER, "streamlet", "hot-readings", "--kafka", cls.address, "--state", state.name, "--port", "0",
             "--metrics-port", "0", "cloudflow.topics.readings.partitions=2", "cloudflow.topics.hot.partitions=3",
             "cloudflow.topics.hot.managed=no"],
            stderr=subprocess.PIPE, text=True)
        cls.addClassCleanup(cls.end)

    @classmethod
    def end(cls):
        cls.app.send_signal(signal.SIGTERM)
        cls.app.communicate(timeout=PATIENCE)

    def hot(self, prefix, count):
        """The records that came of those of a test, once there are so many of them."""
        give_up = time.monotonic() + PATIENCE
        while True:
            found = [r for r in self.broker.records("hot") if r.key().decode().startswith(prefix)]
            if len(found) >= count:
                return found
            self.assertLess(time.monotonic(), give_up, f"{len(found)} of {count}")
            self.assertIsNone(self.app.poll(), "the application has ended")

    def java(self, *arguments):
        jars = subprocess.run([ROOT / "tools/kafka", "jars"], capture_output=True, text=True, check=True).stdout.strip()
        done = subprocess.run(["java", "-cp", f"{jars}/*", str(ROOT / "tests/kafka/clients/Readings.java"), self.address,
                               str(SCHEMA_FILE), *arguments], capture_output=True, text=True, timeout=180, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.splitlines()

    def test_records_of_a_plain_producer_in_python_are_read_and_its_consumer_reads_ours(self):
        self.broker.produce("readings", [(b"python-1", reading("python-1", c)) for c in (29.0, 31.0, 45.5)])
        self.assertEqual([decoded(r) for r in self.hot("python", 2)],
                         [{"sensor": "python-1", "celsius": 31.0}, {"sensor": "python-1", "celsius": 45.5}])

    def test_records_of_a_java_client_are_read_and_it_reads_ours(self):
        self.java("write", "readings", "1000")
        ours = self.hot("java", 690)
        self.assertEqual(len(ours), 690)
        lines = [line for line in self.java("read", "hot", str(len(self.broker.records("hot")))) if " java-" in line]
        self.assertEqual(len(lines), 690)
        for line in lines:
            partition, key, sensor, celsius, is_whole = line.split(" ")
            self.assertEqual((key, is_whole), (sensor, "true"))
            self.assertGreater(float(celsius), 30)
            self.assertEqual(int(partition), murmur2_partition(key.encode(), 3))

    def test_kcat_sees_keys_headers_and_partitions(self):
        self.broker.produce("readings", [(b"kcat-%d" % i, reading(f"kcat-{i}", 50.0)) for i in range(20)])
        self.hot("kcat", 20)
        done = subprocess.run(["kcat", "-b", self.address, "-C", "-t", "hot", "-e", "-q", "-f", "%p %k %h|\n"],
                              capture_output=True, encoding="latin-1", timeout=PATIENCE, check=True)
        found = re.findall(r"^(\d) (kcat-\d+) ([^|]*)\|$", done.stdout, re.M)
        self.assertEqual(len(found), 20)
        for partition, key, headers in found:
            self.assertEqual(int(partition), murmur2_partition(key.encode(), 3))
            # The topic is managed by others: our records say which schema they have.
            self.assertIn("cloudflow-schema=", headers)


if __name__ == "__main__":
    unittest.main(verbosity=2)
