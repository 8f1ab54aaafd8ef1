"""What a user sees when Kafka is not as it should be: one line that says what to do, no record lost, no restart needed."""

import io
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import fastavro
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions, ResourceType

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from kafka import Broker  # noqa: E402
from waiting import PATIENCE, wait_until  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILTER = os.environ.get("CLOUDFLOW_FILTER", str(ROOT / "build/bin/filter-on-kafka"))
SCHEMA = fastavro.parse_schema(json.loads((ROOT / "examples/filter/schemas/Reading.avsc").read_text()))
AWAY = float(os.environ.get("CLOUDFLOW_AWAY_SECONDS", "8"))  # how long a broker is away; the soak says a minute


def reading(sensor, celsius=99.0):
    out = io.BytesIO()
    fastavro.schemaless_writer(out, SCHEMA, {"sensor": sensor, "celsius": celsius})
    return out.getvalue()


def sensor_of(record):
    return fastavro.schemaless_reader(io.BytesIO(record.value()), SCHEMA)["sensor"]


class Filter:
    """One process of the filter application."""

    def __init__(self, address, *settings):
        self.state = tempfile.TemporaryDirectory()
        self.log_file = pathlib.Path(self.state.name) / "stderr"
        with open(self.log_file, "wb") as log:
            self.process = subprocess.Popen(
                [FILTER, "streamlet", "hot-readings", "--kafka", address, "--state", self.state.name, "--port", "0",
                 "--metrics-port", "0", *settings], stderr=log)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.state.cleanup()

    @property
    def log(self):
        return self.log_file.read_text()

    def said(self, *words):
        return any(all(word in line for word in words) for line in self.log.splitlines())

    def stops(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


class Outages(unittest.TestCase):
    def hot(self, broker, expected):
        def arrived():
            return sorted(sensor_of(r) for r in broker.records("hot")) == sorted(expected)
        wait_until(f"{expected} in hot", arrived)

    def test_a_broker_that_is_unreachable_at_the_start_is_waited_for(self):
        with Broker() as broker:
            address = broker.address()
            broker.stop()
            with Filter(address) as app:
                wait_until("the line about it", lambda: app.said("error", address, "tries again"), 15)
                lines = [line for line in app.log.splitlines() if "error" in line]
                self.assertEqual(len(lines), 1, app.log)
                self.assertIn("default", lines[0])
                broker.start()
                wait_until("its start", lambda: app.said("metrics"))
                broker.produce("readings", [reading("one")])
                self.hot(broker, ["one"])
                self.assertEqual(app.stops(), 0, app.log)

    def test_a_stop_while_it_waits_for_a_broker_ends_it_at_once(self):
        with Filter("127.0.0.1:1") as app:
            wait_until("the line about it", lambda: app.said("error", "127.0.0.1:1"), 15)
            self.assertEqual(app.stops(), 0, app.log)

    def test_a_broker_that_goes_away_stalls_the_application_and_loses_nothing(self):
        with Broker() as broker, Filter(broker.address()) as app:
            wait_until("its start", lambda: app.said("metrics"))
            broker.produce("readings", [reading(f"before-{i}") for i in range(100)])
            broker.kill()
            time.sleep(AWAY)  # the time is what is tested
            self.assertIsNone(app.process.poll(), app.log)
            broker.start()
            broker.produce("readings", [reading(f"after-{i}") for i in range(100)])
            wait_until("all of them", lambda: {sensor_of(r) for r in broker.records("hot")}
                       == {f"{when}-{i}" for when in ("before", "after") for i in range(100)})
            self.assertEqual(app.stops(), 0, app.log)

    def test_a_topic_that_others_make_is_waited_for(self):
        with Broker() as broker, Filter(broker.address(), "cloudflow.topics.readings.managed=no") as app:
            wait_until("the line about it", lambda: app.said("error", "readings", "tries again"), 15)
            broker.create_topic("readings")
            wait_until("its start", lambda: app.said("metrics"))
            broker.produce("readings", [reading("one")])
            self.hot(broker, ["one"])

    def test_a_topic_with_too_few_partitions_is_named_with_both_numbers(self):
        with Broker() as broker:
            broker.create_topic("readings", 1)
            with Filter(broker.address(), "cloudflow.topics.readings.partitions=3") as app:
                wait_until("the line about it", lambda: app.said("error", "readings", "1", "3"), 15)
                admin = AdminClient({"bootstrap.servers": broker.address()})
                admin.create_partitions([NewPartitions("readings", 3)])["readings"].result(PATIENCE)
                wait_until("its start", lambda: app.said("metrics"))
                broker.produce("readings", [(f"{i}".encode(), reading(f"sensor-{i}")) for i in range(10)])
                self.hot(broker, [f"sensor-{i}" for i in range(10)])

    def test_a_record_above_the_limit_of_a_topic_is_set_aside_and_passes_when_the_limit_is_raised(self):
        with Broker() as broker, Filter(broker.address(), "cloudflow.topics.hot.topic.max.message.bytes=2000") as app:
            wait_until("its start", lambda: app.said("metrics"))
            large = "large-" + 3000 * "x"
            broker.produce("readings", [reading("small-1"), reading(large), reading("small-2")])
            self.hot(broker, ["small-1", "small-2"])
            wait_until("the dead letter", lambda: len(broker.records("filter.hot-readings.readings.dead-letter")) == 1)
            self.assertTrue(app.said("warning", "max.message.bytes", "hot"), app.log)
            admin = AdminClient({"bootstrap.servers": broker.address()})
            raised = ConfigResource(ResourceType.TOPIC, "hot", incremental_configs=[
                ConfigEntry("max.message.bytes", "100000", incremental_operation=AlterConfigOpType.SET)])
            admin.incremental_alter_configs([raised])[raised].result(PATIENCE)
            done = subprocess.run([FILTER, "dlq", "retry", "hot-readings.readings", "--all", "--kafka", broker.address(),
                                   "--state", app.state.name], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.hot(broker, ["small-1", "small-2", large])


if __name__ == "__main__":
    unittest.main(verbosity=2)
