"""The filter between two clusters, of which the second takes much less than the first gives: what waits, waits in the
topics and not in memory, and nothing is lost.

Run with tools/python:  tests/kafka/slow_outlet.py --seconds 600
"""

import argparse
import io
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

import confluent_kafka
import fastavro

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from kafka import Broker  # noqa: E402
from waiting import PATIENCE  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("CLOUDFLOW_FILTER", str(ROOT / "build/bin/filter-on-kafka"))
SCHEMA = fastavro.parse_schema({"type": "record", "name": "Reading", "namespace": "sensors", "fields": [
    {"name": "sensor", "type": "string"}, {"name": "celsius", "type": "double"}]})
UNLIMITED = 1 << 30
MAX_MB = 48


def fill(broker, count):
    producer = confluent_kafka.Producer({"bootstrap.servers": broker.address(), "linger.ms": 50, "log_level": 0,
                                         "queue.buffering.max.messages": 500_000})
    for i in range(count):
        out = io.BytesIO()
        fastavro.schemaless_writer(out, SCHEMA, {"sensor": f"{i:090}", "celsius": 99.0})
        while True:
            try:
                producer.produce("readings", out.getvalue())
                break
            except BufferError:
                producer.poll(0.1)
    assert producer.flush(PATIENCE) == 0, "the broker does not acknowledge"


def written(broker):
    consumer = confluent_kafka.Consumer({"bootstrap.servers": broker.address(), "group.id": "none", "log_level": 0})
    end = consumer.get_watermark_offsets(confluent_kafka.TopicPartition("hot", 0), PATIENCE)[1]
    consumer.close()
    return end


def allocated_mb(process):
    """What could hold records: not the pages of the program and its libraries."""
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split("RssAnon:")[1].split()[0]) / 1024


def run(seconds, rate, count):
    with Broker() as source, Broker() as target, tempfile.TemporaryDirectory() as state:
        source.create_topic("readings")
        target.create_topic("hot")
        fill(source, count)
        target.limit_producers(rate)
        clusters = [f'cloudflow.kafka.clusters.{name}.bootstrap.servers="{broker.address()}"'
                    for name, broker in (("default", source), ("slow", target))]
        log = pathlib.Path(state) / "log"
        with open(log, "wb") as lines:
            app = subprocess.Popen([PROGRAM, "streamlet", "hot-readings", "--state", state, "--port", "0", "--metrics-port", "0",
                                    *clusters, "cloudflow.topics.hot.cluster=slow"], stdout=lines, stderr=lines)
        try:
            sizes, began, shown = [], time.monotonic(), 0
            while (passed := time.monotonic() - began) < seconds:
                assert app.poll() is None, log.read_text()
                sizes.append(allocated_mb(app))
                if passed >= shown:
                    print(f"{passed:5.0f} s  {written(target):9} of {count} records written  {sizes[-1]:5.1f} MB allocated", flush=True)
                    shown += max(seconds / 10, 1)
                time.sleep(0.2)
            at_limit = written(target)
            assert 0 < at_limit < count, f"{at_limit} of {count} written: the outlet was not what was waited for"
            target.limit_producers(UNLIMITED)
            while written(target) < count:
                assert app.poll() is None, log.read_text()
                sizes.append(allocated_mb(app))
                time.sleep(0.2)
            app.send_signal(signal.SIGTERM)
            assert app.wait(PATIENCE) == 0, log.read_text()
        finally:
            app.kill()
            app.wait()
        found = {fastavro.schemaless_reader(io.BytesIO(r.value()), SCHEMA)["sensor"] for r in target.records("hot")}
        assert found == {f"{i:090}" for i in range(count)}, f"{count - len(found)} lost"
        print(f"{at_limit} records in {seconds:.0f} s at {rate} bytes a second, then the rest, {count} in all: none lost; "
              f"{max(sizes):.1f} MB allocated at most")
        assert max(sizes) <= MAX_MB, f"more than {MAX_MB} MB"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rate", type=int, default=200_000, help="bytes a second that the outlet's broker takes")
    parser.add_argument("--records", type=int, help="of 100 bytes; default: a little more than the outlet can take")
    args = parser.parse_args()
    run(args.seconds, args.rate, args.records or int(1.5 * args.seconds * args.rate / 100) + 200_000)


if __name__ == "__main__":
    main()
