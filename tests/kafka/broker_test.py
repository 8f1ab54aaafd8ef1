"""tools/kafka, by a client other than ours: a broker keeps records through kills, lets in whom it should, and never
outlives its owner. Run with tools/python."""

import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

import confluent_kafka
from confluent_kafka.admin import AclOperation, AdminClient, ResourceType

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from kafka import PATIENCE, TOOL, Broker, Cluster  # noqa: E402
from waiting import wait_until  # noqa: E402

INPUT = [b"%d" % number for number in range(100)]


def refusal(config):
    """Why the broker refuses a client; None when it lets it in."""
    reasons = []
    client = AdminClient(config | {"error_cb": reasons.append, "log_level": 0})
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up:
        try:
            client.list_topics(timeout=0.2)
            return None
        except confluent_kafka.KafkaException:
            client.poll(0)
            if reasons:
                return str(reasons[0])
    raise AssertionError("the broker neither answers nor refuses")


def without_certificate(config):
    return {name: value for name, value in config.items() if name not in ("ssl.certificate.location", "ssl.key.location")}


def runs(pid):
    """Does the process run? What is left of one that nobody has waited for has no command line."""
    try:
        return bool(pathlib.Path(f"/proc/{pid}/cmdline").read_bytes())
    except OSError:
        return False


class Plain(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.broker = cls.enterClassContext(Broker(settings={"message.max.bytes": 2000}))

    def copy(self, group_protocol, source, target):
        """Copies the input in one transaction, with the position of the group; returns that position."""
        address = {"bootstrap.servers": self.broker.address(), "log_level": 0}
        consumer = confluent_kafka.Consumer(address | {
            "group.id": group_protocol, "group.protocol": group_protocol, "auto.offset.reset": "earliest",
            "enable.auto.commit": False})
        consumer.subscribe([source])
        producer = confluent_kafka.Producer(address | {"transactional.id": group_protocol})
        producer.init_transactions(PATIENCE)
        producer.begin_transaction()
        for _ in INPUT:
            producer.produce(target, consumer.poll(PATIENCE).value())
        producer.send_offsets_to_transaction(consumer.position(consumer.assignment()),
                                             consumer.consumer_group_metadata(), PATIENCE)
        producer.commit_transaction(PATIENCE)
        consumer.close()
        return self.broker.committed(group_protocol)

    def values(self, topic):
        return [record.value() for record in self.broker.records(topic)]

    def test_keeps_address_records_and_settings_when_it_is_killed_or_stopped(self):
        address = self.broker.address()
        self.broker.create_topic("kept")
        self.broker.produce("kept", INPUT)
        self.broker.restart()
        self.broker.produce("kept", [b"after the kill"])
        self.broker.stop()
        self.broker.start()
        self.assertEqual(self.broker.address(), address)
        self.assertEqual(self.values("kept"), [*INPUT, b"after the kill"])
        with self.assertRaisesRegex(AssertionError, "MSG_SIZE_TOO_LARGE"):
            self.broker.produce("kept", [bytes(3000)])

    def test_has_transactions_and_both_protocols_of_groups(self):
        self.broker.create_topic("in")
        self.broker.create_topic("out")
        self.broker.produce("in", INPUT)
        for group_protocol in ("classic", "consumer"):
            self.assertEqual(self.copy(group_protocol, "in", "out"), {("in", 0): len(INPUT)})
        self.assertEqual(self.values("out"), INPUT * 2)

    def test_does_not_start_twice(self):
        done = subprocess.run([TOOL, "start", self.broker.directory], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("runs already", done.stderr)


class Secured(unittest.TestCase):
    def test_lets_in_whom_it_should_and_rotates_what_they_need(self):
        broker = self.enterContext(Broker(secured=True))
        self.assertIsNone(refusal(broker.mutual_tls()))
        self.assertRegex(refusal(without_certificate(broker.mutual_tls())), "certificate")
        for mechanism in ("SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN", "OAUTHBEARER"):
            self.assertIsNone(refusal(broker.sasl(mechanism)), mechanism)
        self.assertRegex(refusal(broker.sasl(password="wrong")), "[Aa]uthentication")

        former = broker.mutual_tls()
        for name in ("ssl.ca.location", "ssl.certificate.location", "ssl.key.location"):
            kept = broker.directory / f"former-{pathlib.Path(former[name]).name}"
            kept.write_bytes(pathlib.Path(former[name]).read_bytes())
            former[name] = str(kept)
        broker.rotate_certificates()
        broker.set_password("another")
        self.assertIsNone(refusal(broker.mutual_tls()))
        self.assertRegex(refusal(former), "certificate verify failed")
        self.assertRegex(refusal(former | {"ssl.ca.location": broker.pki("ca.pem")}), "certificate")
        self.assertRegex(refusal(broker.sasl()), "[Aa]uthentication")
        for mechanism in ("SCRAM-SHA-512", "SCRAM-SHA-256"):
            self.assertIsNone(refusal(broker.sasl(mechanism, "another")), mechanism)


class Three(unittest.TestCase):
    def test_keep_three_replicas_and_go_on_without_one_of_them(self):
        cluster = self.enterContext(Cluster())
        self.assertEqual(len(cluster.address().split(",")), 3)
        cluster.create_topic("kept")
        admin = AdminClient({"bootstrap.servers": cluster.address(), "log_level": 0})

        def in_sync():
            return sorted(admin.list_topics("kept", PATIENCE).topics["kept"].partitions[0].isrs)

        for number, end in enumerate((cluster.stop_one, cluster.kill_one), start=1):
            wait_until("all replicas", lambda: in_sync() == [1, 2, 3])
            end(number)
            wait_until("the others", lambda number=number: in_sync() == [n for n in (1, 2, 3) if n != number])
            cluster.produce("kept", [b"without %d" % number])
            cluster.start_one(number)
        self.assertEqual([record.value() for record in cluster.records("kept")], [b"without 1", b"without 2"])
        self.assertIn(cluster.coordinator("g"), (1, 2, 3))


class Rights(unittest.TestCase):
    def test_are_those_that_are_not_denied_and_come_back(self):
        broker = self.enterContext(Broker(acls=True))
        broker.create_topic("t")
        user = confluent_kafka.Producer(broker.sasl("PLAIN") | {"message.timeout.ms": 10_000, "log_level": 0})

        def outcome():
            outcomes = []
            try:
                user.produce("t", b"x", on_delivery=lambda failed, _: outcomes.append(failed and failed.name()))
            except confluent_kafka.KafkaException as refusal:  # it remembers what was said of the topic
                return refusal.args[0].name()
            user.flush(PATIENCE)
            return outcomes[0]

        self.assertIsNone(outcome())
        what = (AclOperation.WRITE, ResourceType.TOPIC, "t")
        broker.deny(*what)
        wait_until("the refusal", lambda: outcome() == "TOPIC_AUTHORIZATION_FAILED")
        broker.allow_again(*what)
        wait_until("the right", lambda: outcome() is None)


class Directory(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory())) / "broker"

    def test_goes_with_the_broker_when_the_owner_is_killed(self):
        owner = subprocess.Popen(["sleep", "infinity"])
        try:
            subprocess.run([TOOL, "start", self.directory, "--owner", str(owner.pid)], check=True, capture_output=True)
            broker = int((self.directory / "pid").read_text())
            self.assertTrue(runs(broker))
        finally:
            owner.kill()
            owner.wait()
        give_up = time.monotonic() + PATIENCE
        while self.directory.exists() and time.monotonic() < give_up:
            time.sleep(0.01)
        self.assertFalse(self.directory.exists())
        self.assertFalse(runs(broker))

    def test_says_the_address_that_it_listens_at(self):
        subprocess.run([TOOL, "start", self.directory, "--host", "127.0.0.2", "--owner", str(os.getpid())],
                       check=True, capture_output=True)
        self.addCleanup(subprocess.run, [TOOL, "kill", self.directory], check=True)
        address = subprocess.run([TOOL, "address", self.directory], check=True, capture_output=True, text=True).stdout.strip()
        self.assertRegex(address, r"^127\.0\.0\.2:\d+$")
        brokers = AdminClient({"bootstrap.servers": address, "log_level": 0}).list_topics(timeout=PATIENCE).brokers
        self.assertEqual([f"{broker.host}:{broker.port}" for broker in brokers.values()], [address])

    def test_needs_an_address_of_this_machine(self):
        done = subprocess.run([TOOL, "start", self.directory, "--host", "192.0.2.1"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("no address of this machine", done.stderr)
        self.assertFalse(self.directory.exists())

    def test_of_something_else_is_left_alone(self):
        self.directory.mkdir()
        (self.directory / "letter.txt").write_text("dear")
        done = subprocess.run([TOOL, "start", "--fresh", self.directory], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("neither empty nor the directory of a broker", done.stderr)
        self.assertEqual((self.directory / "letter.txt").read_text(), "dear")


if __name__ == "__main__":
    unittest.main()
