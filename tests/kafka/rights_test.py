"""Rights that are taken away while the application works, and given back: it goes on by itself, and says so meanwhile."""

import os
import pathlib
import re
import shutil
import tempfile
import unittest
import urllib.error
import urllib.request

import ledger
from confluent_kafka.admin import AclOperation, ResourceType
from kafka import Broker
from waiting import wait_until

PROGRAM = os.environ.get("CLOUDFLOW_LEDGER", str(ledger.ROOT / "build/bin/ledger"))
SECONDS = 20  # over which events are sent


def settings(broker):
    cluster = "cloudflow.kafka.clusters.default"
    connection = {"security.protocol": "SASL_SSL", "ssl.ca.location": broker.pki("ca.pem"),
                  "sasl.mechanism": "PLAIN", "sasl.username": "app", "sasl.password": "app-secret"}
    return [f'{cluster}.bootstrap.servers="{broker.address("sasl_ssl")}"'] + [
        f'{cluster}.connection-config."{name}"="{value}"' for name, value in connection.items()]


def readiness(replica):
    """Status and text of /ready; None while nobody listens."""
    found = re.search(r"metrics +(http://\S+)/metrics", replica.log_file.read_text(errors="replace"))
    if not found:
        return None
    try:
        with urllib.request.urlopen(f"{found[1]}/ready", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.read().decode()
    except OSError:
        return None


class Rights(unittest.TestCase):
    def setUp(self):
        self.broker = self.enterContext(Broker(settings=ledger.QUICK_GROUPS, acls=True))
        self.broker.create_topic("events", ledger.PARTITIONS)
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="cloudflow-rights-"))
        self.replica = ledger.Replica(0, PROGRAM, self.directory, settings(self.broker))
        self.addCleanup(self.replica.kill)
        self.replica.start()
        self.wait_for_readiness(200)

    def wait_for_readiness(self, status, text=""):
        def is_so():
            found = readiness(self.replica)
            return found is not None and found[0] == status and text in found[1]
        try:
            wait_until(f"/ready to be {status} {text}", is_so)
        except AssertionError as late:
            raise AssertionError(f"{late}; it is {readiness(self.replica)}\n{self.replica.tail()}") from late

    def outlast(self, operation, resource, name, status, text):
        """Denied while events come, for some seconds; and granted again."""
        sent = list(ledger.events(5_000, seed=7))
        sender = ledger.Sender(self.broker.address(), sent, SECONDS)
        sender.start()
        wait_until("a start", lambda: sender.count > len(sent) / 10)
        self.broker.deny(operation, resource, name)
        self.wait_for_readiness(status, text)
        wait_until("events that nobody reads", lambda: sender.count > len(sent) / 2)
        self.broker.allow_again(operation, resource, name)
        self.wait_for_readiness(200)
        sender.join(300)
        ledger.wait_until_read(self.broker, [self.replica], at_most=60)
        self.replica.stop()
        said = ledger.differences(sent, ledger.read_entries(self.broker), is_exact=True)
        self.assertEqual(said, [], self.replica.tail())
        shutil.rmtree(self.directory)

    def test_fault_h2_a_member_that_may_not_read_for_the_group_says_so_and_reads_again(self):
        self.outlast(AclOperation.READ, ResourceType.GROUP, ledger.GROUP, 503, "check the ACLs of the group")

    def test_fault_h2_a_process_that_may_not_write_to_an_outlet_goes_on_when_it_may(self):
        self.outlast(AclOperation.WRITE, ResourceType.TOPIC, "credits", 503, "check the ACLs of the topic")


if __name__ == "__main__":
    unittest.main(verbosity=2)
