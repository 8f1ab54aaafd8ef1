"""Kafka brokers for tests in Python, and a client other than ours to look at them with.

Run with tools/python, which has the packages. A broker is one process on loopback, started by tools/kafka:

    with Broker() as broker:
        broker.create_topic("orders", partitions=2)
        broker.produce("orders", [b"one", (b"key", b"two")])
        values = [record.value() for record in broker.records("orders")]

A Cluster is three brokers, of which each can be stopped, killed and started by itself.
"""

import os
import pathlib
import shutil
import subprocess
import tempfile

import confluent_kafka
from confluent_kafka.admin import (AclBinding, AclBindingFilter, AclPermissionType, AdminClient, NewPartitions, NewTopic, OffsetSpec,
                                   ResourcePatternType)
from waiting import PATIENCE, wait_until

TOOL = pathlib.Path(__file__).resolve().parents[2] / "tools/kafka"
USER, PASSWORD = "app", "app-secret"
NOT_READY = (confluent_kafka.KafkaError.COORDINATOR_LOAD_IN_PROGRESS, confluent_kafka.KafkaError.COORDINATOR_NOT_AVAILABLE,
             confluent_kafka.KafkaError.NOT_COORDINATOR)


class Broker:
    """A broker of a test's own. It ends with the block, or with this process, however that one ends.

    Its operations return when they have taken effect: after `start` it answers, after `kill` its process is gone.
    """

    REPLICAS = 1

    def __init__(self, secured=False, settings=None, acls=False):
        """`secured`: with listeners ssl (certificates) and sasl_ssl; `settings`: properties of the broker; `acls`: secured,
        and `deny` takes rights from the user."""
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="cloudflow-kafka-"))
        self.first_start = ["--secured"] if secured else []
        self.first_start += ["--acls"] if acls else []
        for key, value in (settings or {}).items():
            self.first_start += ["--set", f"{key}={value}"]

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    # -- its process --------------------------------------------------------------------------------------------------

    def start(self):
        """Starts it; again: on its ports and with its data."""
        self._tool("start", "--owner", str(os.getpid()), *self.first_start)
        self.first_start = []

    def stop(self):
        self._tool("stop")

    def kill(self):
        """Ends it with SIGKILL."""
        self._tool("kill")

    def restart(self):
        """Kills it and starts it again."""
        self.kill()
        self.start()

    @property
    def pid(self):
        return int((self.directory / "pid").read_text())

    # -- rights -------------------------------------------------------------------------------------------------------

    def deny(self, operation, resource, name):
        """The user may not do it any more: deny(AclOperation.READ, ResourceType.GROUP, "g")."""
        right = self._right(operation, resource, name, AclPermissionType.DENY)
        self._settle(self.admin(), "create_acls", [right])

    def allow_again(self, operation, resource, name):
        """Takes a deny() back."""
        denied = self._right(operation, resource, name, AclPermissionType.DENY, AclBindingFilter)
        self._settle(self.admin(), "delete_acls", [denied])

    @staticmethod
    def _right(operation, resource, name, permission, kind=AclBinding):
        return kind(resource, name, ResourcePatternType.LITERAL, f"User:{USER}", "*", operation, permission)

    @staticmethod
    def _settle(admin, what, rights):
        for done in getattr(admin, what)(rights).values():
            done.result(PATIENCE)

    # -- what clients need --------------------------------------------------------------------------------------------

    def address(self, listener="plaintext"):
        """host:port of a listener: plaintext, ssl or sasl_ssl."""
        return self._tool("address", listener)

    def pki(self, file):
        """ca.pem, client.pem or client.key."""
        return str(self.directory / "pki" / file)

    def rotate_certificates(self):
        """New authority and certificates in the same files; the former are refused at once."""
        self._tool("rotate-certificates")

    def set_password(self, password):
        """Another SCRAM password of the user."""
        self._tool("set-password", password)

    def limit_producers(self, bytes_per_second):
        """Clients write no faster, each of them."""
        self._tool("limit-producers", str(bytes_per_second))

    def mutual_tls(self):
        """Settings, for librdkafka, of a client that shows its certificate."""
        return {
            "bootstrap.servers": self.address("ssl"), "security.protocol": "ssl",
            "ssl.ca.location": self.pki("ca.pem"),
            "ssl.certificate.location": self.pki("client.pem"), "ssl.key.location": self.pki("client.key"),
        }

    def sasl(self, mechanism="SCRAM-SHA-512", password=PASSWORD):
        """Settings, for librdkafka, of a client that says who it is. OAUTHBEARER: by a token without signature."""
        who = {"sasl.username": USER, "sasl.password": password}
        if mechanism == "OAUTHBEARER":
            who = {"enable.sasl.oauthbearer.unsecure.jwt": True, "sasl.oauthbearer.config": f"principal={USER}"}
        return {
            "bootstrap.servers": self.address("sasl_ssl"), "security.protocol": "sasl_ssl",
            "ssl.ca.location": self.pki("ca.pem"), "sasl.mechanism": mechanism,
        } | who

    # -- topics and records -------------------------------------------------------------------------------------------

    def create_topic(self, name, partitions=1, **properties):
        """`properties` with underscores for dots: retention_ms=1000."""
        config = {key.replace("_", "."): str(value) for key, value in properties.items()}
        topic = NewTopic(name, partitions, self.REPLICAS, config=config)
        admin = self.admin()
        admin.create_topics([topic])[name].result(PATIENCE)

    def grow_topic(self, name, partitions):
        """No change where it has that many."""
        admin = self.admin()
        if len(admin.list_topics(name, PATIENCE).topics[name].partitions) < partitions:
            admin.create_partitions([NewPartitions(name, partitions)])[name].result(PATIENCE)

    def produce(self, topic, records, **more):
        """Appends values, or pairs of key and value, and waits until all are acknowledged; `more` goes with each.

        Not while the broker is being killed: a record could then be there twice. (An idempotent producer takes a second
        longer for its first record.)
        """
        producer = confluent_kafka.Producer(self._plaintext())
        failures = []
        for record in records:
            key, value = record if isinstance(record, tuple) else (None, record)
            producer.produce(topic, value, key, on_delivery=lambda failed, _: failed and failures.append(failed), **more)
        assert producer.flush(PATIENCE) == 0, "the broker does not acknowledge"
        assert not failures, failures[0]

    def records(self, topic, isolation="read_committed"):
        """All that the topic has, partition by partition."""
        consumer = confluent_kafka.Consumer(self._plaintext() | {
            "group.id": "never-committed", "enable.auto.commit": False, "isolation.level": isolation,
            "enable.partition.eof": True, "fetch.wait.max.ms": 10,
        })
        found = {partition: [] for partition in consumer.list_topics(topic, PATIENCE).topics[topic].partitions}
        consumer.assign([confluent_kafka.TopicPartition(topic, partition, confluent_kafka.OFFSET_BEGINNING)
                         for partition in found])
        unread = set(found)
        while unread:
            record = consumer.poll(PATIENCE)
            assert record is not None, f"the broker does not answer for {topic} {unread}"
            if not record.error():
                found[record.partition()].append(record)
            elif record.error().code() == confluent_kafka.KafkaError._PARTITION_EOF:
                unread.discard(record.partition())
            else:
                raise confluent_kafka.KafkaException(record.error())
        consumer.close()
        return [record for partition in sorted(found) for record in found[partition]]

    def committed(self, group, admin=None):
        """The positions of a group: (topic, partition) to offset. Whoever asks again and again keeps an admin()."""
        asked = confluent_kafka.ConsumerGroupTopicPartitions(group)
        admin = admin or self.admin()

        def is_ready():
            """The client of the tests crashes when it asks a coordinator that is not ready for positions."""
            try:
                admin.describe_consumer_groups([group])[group].result(PATIENCE)
            except confluent_kafka.KafkaException as refusal:
                return refusal.args[0].code() not in NOT_READY
            return True

        def answer():
            try:
                return is_ready() and admin.list_consumer_group_offsets([asked])[group].result(PATIENCE)
            except confluent_kafka.KafkaException as refusal:
                if refusal.args[0].code() not in NOT_READY:
                    raise
        positions = wait_until(f"the coordinator of {group}", answer).topic_partitions
        return {(position.topic, position.partition): position.offset for position in positions}

    @staticmethod
    def ends(admin, topic, partitions):
        """Where each of the topic's first partitions ends, for who reads what is committed."""
        asked = {confluent_kafka.TopicPartition(topic, p): OffsetSpec.latest() for p in range(partitions)}
        found = admin.list_offsets(asked, isolation_level=confluent_kafka.IsolationLevel.READ_COMMITTED)
        return {at.partition: answer.result(PATIENCE).offset for at, answer in found.items()}

    def admin(self):
        """To be held until it has answered: what it was asked ends with it."""
        return AdminClient(self._plaintext())

    def _plaintext(self):
        return {"bootstrap.servers": self.address(), "log_level": 0}  # what fails is an exception

    def _tool(self, command, *arguments, of=None):
        directory = self.directory / str(of) if of else self.directory
        done = subprocess.run([TOOL, command, directory, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"tools/kafka {command}: {done.stderr}"
        return done.stdout.strip()


class Cluster(Broker):
    """Three brokers, numbered from 1. Topics have three replicas, and two have to be in sync."""

    REPLICAS = 3

    def __init__(self, settings=None, acls=False):
        super().__init__(settings=settings, acls=acls)
        self.first_start += ["--brokers", "3"]

    def start_one(self, number):
        """Starts a broker again; it answers when this returns."""
        self._tool("start", "--owner", str(os.getpid()), of=number)

    def stop_one(self, number):
        """In order: it hands over what it leads. One that does not come to its end is killed after a minute: to its
        clients that is a harder stop, and no fault of theirs."""
        try:
            self._tool("stop", of=number)
        except AssertionError as refusal:
            if "had to be killed" not in str(refusal):
                raise

    def kill_one(self, number):
        self._tool("kill", of=number)

    def coordinator(self, group):
        """The number of the broker that coordinates the group."""
        admin = self.admin()

        def answer():
            try:
                return admin.describe_consumer_groups([group])[group].result(PATIENCE)
            except confluent_kafka.KafkaException as refusal:
                if refusal.args[0].code() not in NOT_READY:
                    raise
        return wait_until(f"the coordinator of {group}", answer).coordinator.id
