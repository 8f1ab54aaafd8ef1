"""A broker for the measurements, and what can be asked of it from outside."""

import contextlib
import os
import pathlib
import subprocess
import time

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATIENCE = 60  # seconds

SETTINGS = (
    "log.retention.ms=-1",  # event times are of the past
    "log.segment.delete.delay.ms=1000",  # the disk need not hold all outputs
)


class Cluster:
    """A broker of its own, which ends with this process. A context manager."""

    def __init__(self, directory):
        self.directory = directory
        self._known = {}  # topics and how many partitions they have

    def __enter__(self):
        settings = [argument for setting in SETTINGS for argument in ("--set", setting)]
        command = [ROOT / "tools/kafka", "start", self.directory, "--for-load", "--owner", str(os.getpid()), *settings]
        started = subprocess.run(command, check=True, capture_output=True, text=True)
        self.address = started.stdout.strip()
        self.pid = int((self.directory / "pid").read_text())
        quiet = {"bootstrap.servers": self.address, "log_level": 2}
        self._admin = AdminClient(quiet)
        self._client = Consumer({**quiet, "group.id": "measure", "isolation.level": "read_committed"})
        return self

    def __exit__(self, *_):
        self._client.close()
        subprocess.run([ROOT / "tools/kafka", "kill", self.directory], check=True)

    def create(self, topic, partitions):
        self._admin.create_topics([NewTopic(topic, partitions, 1)])[topic].result(PATIENCE)
        while not self.is_there(topic):
            time.sleep(0.01)

    def is_there(self, topic):
        """With a leader for each partition."""
        if topic not in self._known:
            found = self._client.list_topics(topic, timeout=PATIENCE).topics[topic]
            if not found.error and all(p.leader >= 0 for p in found.partitions.values()):
                self._known[topic] = len(found.partitions)
        return topic in self._known

    def records(self, topic):
        """As many as can be read, 0 before it is there; the marks of transactions count as well."""
        if not self.is_there(topic):
            return 0
        partitions = (TopicPartition(topic, p) for p in range(self._known[topic]))
        try:
            return sum(self._client.get_watermark_offsets(p, PATIENCE, cached=False)[1] for p in partitions)
        except KafkaException:  # made a moment ago
            return 0

    def until_quiet(self, topic):
        """Until it has not grown for a second."""
        last, since = -1, time.monotonic()
        while time.monotonic() - since < 1:
            if (now := self.records(topic)) != last:
                last, since = now, time.monotonic()
            time.sleep(0.05)

    def position(self, group, topic):
        """The sum of a group's committed offsets in a topic."""
        asked = self._admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])[group]
        return sum(max(0, p.offset) for p in asked.result(PATIENCE).topic_partitions if p.topic == topic)

    def remove(self, beginning):
        """Topics and groups of this beginning."""
        topics = [t for t in self._client.list_topics(timeout=PATIENCE).topics if t.startswith(beginning)]
        listed = self._admin.list_consumer_groups().result(PATIENCE).valid
        groups = [g.group_id for g in listed if g.group_id.startswith(beginning)]
        for topic, gone in self._admin.delete_topics(topics).items() if topics else ():
            gone.result(PATIENCE)
            self._known.pop(topic, None)
        for gone in self._admin.delete_consumer_groups(groups).values() if groups else ():
            with contextlib.suppress(KafkaException):  # a member that was killed is still missed
                gone.result(PATIENCE)
