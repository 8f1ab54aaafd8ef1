"""Two versions of an application on the topics of one cluster, in whatever order they are deployed."""

import io
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

import fastavro

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from kafka import Broker  # noqa: E402
from waiting import PATIENCE, wait_until  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = {version: os.environ.get(f"CLOUDFLOW_ORDERS_{version}", str(ROOT / f"build/bin/orders-{version}"))
            for version in (1, 2)}
PROTOCOL = json.loads((ROOT / "tests/kafka/evolution/schemas/Orders-1.avpr").read_text())
SCHEMAS = {t["name"]: fastavro.parse_schema({**t, "namespace": "orders"}) for t in PROTOCOL["types"]}
# What a bill says of an order: by the version that wrote the order, and the one that wrote the bill.
TEXTS = {(1, 1): "by version 1", (1, 2): "EUR", (2, 1): "", (2, 2): "USD"}
IN_2015 = 1_445_000_000_000  # ms


def encoded(name, record):
    out = io.BytesIO()
    fastavro.schemaless_writer(out, SCHEMAS[name], record)
    return out.getvalue()


class Orders:
    """The streamlets of the application, each a process of the version that it was deployed with last."""

    def __init__(self, broker, *settings):
        self.broker, self.settings, self.processes, self.sent, self.bills = broker, settings, {}, 0, {}
        self.state = tempfile.TemporaryDirectory()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes.values():
            process.kill()
            process.wait()
        self.state.cleanup()

    def deploy(self, streamlet, version):
        if streamlet in self.processes:
            self.stop(streamlet)
        log = open(pathlib.Path(self.state.name) / f"{streamlet}.log", "ab")
        self.processes[streamlet] = subprocess.Popen(
            [PROGRAMS[version], "streamlet", streamlet, "--kafka", self.broker.address(), "--state", self.state.name,
             "--port", "0", "--metrics-port", "0", *self.settings], stdout=log, stderr=log)
        log.close()

    def stop(self, streamlet):
        process = self.processes.pop(streamlet)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0, self.log(streamlet)

    def log(self, streamlet):
        return (pathlib.Path(self.state.name) / f"{streamlet}.log").read_text()

    def order(self, booked_by, billed_by, count=10):
        """Requests that go through both streamlets, and what is to come of them."""
        requests = []
        for _ in range(count):
            request = {"id": f"order-{self.sent}", "amount": self.sent}
            self.sent += 1
            requests.append(encoded("Request", request))
            self.bills[request["id"]] = (request["amount"], TEXTS[booked_by, billed_by])
        self.broker.produce("requests", requests)
        self.expect("bills", self.bills)

    def expect(self, topic, bills):
        def found():
            records = [fastavro.schemaless_reader(io.BytesIO(r.value()), SCHEMAS["Bill"])
                       for r in self.broker.records(topic)]
            return sorted((r["id"], r["amount"], r["text"]) for r in records)
        wanted = sorted((key, *rest) for key, rest in bills.items())
        try:
            wait_until(f"{len(wanted)} {topic}", lambda: len(found()) >= len(wanted))
        except AssertionError as why:
            raise AssertionError(f"{why}: {found()}\n{self.log('billing')}") from None
        assert found() == wanted, f"{found()}\ninstead of\n{wanted}"


class Evolution(unittest.TestCase):
    def start(self, broker):
        """The topic as an application of 2.3 has left it, without headers; then the first version of ours."""
        broker.create_topic("orders", 2)
        broker.produce("orders", [(f"old-{i}".encode(), encoded("Order", {"id": f"old-{i}", "amount": i, "note": "2.3"}))
                                  for i in range(10)])
        orders = Orders(broker)
        for streamlet in ("booking", "billing"):
            orders.deploy(streamlet, 1)
        orders.bills.update({f"old-{i}": (i, "2.3") for i in range(10)})
        return orders

    def all_records_are_read_by_version_2(self, orders, booked_by_1):
        """A streamlet that starts later reads the topic from its beginning."""
        orders.deploy("audit", 2)
        orders.expect("audits", {
            key: (amount, TEXTS[1 if key.startswith("old") or amount < booked_by_1 else 2, 2])
            for key, (amount, _) in orders.bills.items()})

    def test_consumer_first(self):
        with Broker() as broker, self.start(broker) as orders:
            orders.order(booked_by=1, billed_by=1)
            orders.deploy("billing", 2)
            orders.order(booked_by=1, billed_by=2)
            orders.deploy("booking", 2)
            orders.order(booked_by=2, billed_by=2)
            self.all_records_are_read_by_version_2(orders, booked_by_1=20)

    def test_producer_first(self):
        with Broker() as broker, self.start(broker) as orders:
            orders.order(booked_by=1, billed_by=1)
            orders.deploy("booking", 2)
            orders.order(booked_by=2, billed_by=1)
            orders.deploy("billing", 2)
            orders.order(booked_by=2, billed_by=2)
            self.all_records_are_read_by_version_2(orders, booked_by_1=10)

    def test_back_to_the_first_version(self):
        with Broker() as broker, self.start(broker) as orders:
            for version in (1, 2, 1):
                orders.deploy("booking", version)
                orders.deploy("billing", version)
                orders.order(booked_by=version, billed_by=version)

    def test_a_topic_of_others_is_read_with_the_schema_that_is_configured(self):
        others = json.dumps(next(t for t in PROTOCOL["types"] if t["name"] == "Order") | {"namespace": "orders"})
        settings = ["cloudflow.topics.orders.managed=no", f"cloudflow.topics.orders.schema={others}"]
        with Broker() as broker, Orders(broker, *settings) as orders:
            broker.create_topic("orders", 2)
            broker.produce("orders", [encoded("Order", {"id": "a", "amount": 1, "note": "theirs"})])
            orders.deploy("billing", 2)
            orders.expect("bills", {"a": (1, "EUR")})


class Timestamps(unittest.TestCase):
    def test_a_record_of_2015_is_kept_as_long_as_others_and_read(self):
        often = {"log.retention.check.interval.ms": 300, "log.initial.task.delay.ms": 300}
        requests = [encoded("Request", {"id": f"order-{i}", "amount": i}) for i in range(10)]
        with Broker(settings=often) as broker, Orders(broker) as orders:
            orders.deploy("booking", 1)  # makes the topics
            orders.deploy("billing", 1)
            orders.order(booked_by=1, billed_by=1, count=1)
            orders.stop("booking")
            broker.create_topic("by-time-of-producer", 1)
            for topic in ("by-time-of-producer", "requests"):
                broker.produce(topic, requests[1:], timestamp=IN_2015)
            wait_until("the broker to delete what is old", lambda: not broker.records("by-time-of-producer"))
            orders.bills.update({f"order-{i}": (i, TEXTS[1, 1]) for i in range(10)})
            orders.deploy("booking", 1)
            orders.expect("bills", orders.bills)


if __name__ == "__main__":
    unittest.main(verbosity=2)
