"""The operating commands of the filter on Kafka, while it runs and when it does not."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from kafka import Broker  # noqa: E402
from waiting import PATIENCE, wait_until  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILTER = os.environ.get("CLOUDFLOW_FILTER", str(ROOT / "build/bin/filter-on-kafka"))
INLET = "hot-readings.readings"


class OnKafka(unittest.TestCase):
    def setUp(self):
        self.broker = self.enterContext(Broker())
        self.state = self.enterContext(tempfile.TemporaryDirectory())

    def ask(self, *arguments, text=None):
        return subprocess.run([FILTER, *arguments, "--state", self.state], input=text, capture_output=True, text=True,
                              timeout=PATIENCE)

    def call(self, *arguments, text=None):
        done = self.ask(*arguments, "--kafka", self.broker.address(), text=text)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def told(self, *arguments):
        return json.loads(self.call(*arguments, "-o", "json"))

    def run_to_end(self):
        self.call("run", "--until-idle", "--port", "0", "--metrics-port", "0")

    def started(self):
        process = subprocess.Popen([FILTER, "run", "--port", "0", "--metrics-port", "0", "--state", self.state, "--kafka",
                                    self.broker.address()], stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        wait_until("its tasks", lambda: self.ask("top", "--once", "-n", "0.05").returncode == 0)
        return process

    def send(self, *readings):
        self.call("send", "readings", text="".join(json.dumps({"sensor": s, "celsius": c}) + "\n" for s, c in readings))

    def sensors(self, topic):
        return [json.loads(line)["sensor"] for line in self.call("peek", topic).splitlines()]

    def waiting(self):
        return self.told("dlq", "ls", INLET)[0]["waiting"]

    def lag(self):
        return sum(p["lag"] for p in self.told("offsets", INLET) if p["topic"] == "readings")

    def test_dead_letters_wait_are_retried_and_dropped(self):
        self.run_to_end()
        self.broker.produce("readings", [(b"k", b"\xff no reading")])
        self.started()
        wait_until("a dead letter", lambda: self.waiting() == 1)
        letter = json.loads(self.call("dlq", "show", INLET, "-o", "json"))
        self.assertEqual((letter["origin"]["topic"], letter["key"], letter["failures"]), ("readings", "k", 1))
        self.assertEqual(letter["value"], {"hex": b"\xff no reading".hex()})
        self.call("dlq", "retry", INLET, "--all")
        wait_until("its return", lambda: self.waiting() == 1)
        again = json.loads(self.call("dlq", "show", INLET, "-o", "json"))
        self.assertEqual((again["origin"], again["failures"]), (letter["origin"], 2))
        self.call("dlq", "drop", INLET, "--all")
        self.assertEqual(self.waiting(), 0)

    def test_letters_of_a_topic_that_others_let_grow_are_retried_in_their_partitions(self):
        self.run_to_end()
        self.broker.create_topic("theirs", partitions=2)
        settings = ["cloudflow.topics.readings.managed=no", "cloudflow.topics.readings.topic.name=theirs"]
        configuration = pathlib.Path(self.state, "theirs.conf")
        configuration.write_text("\n".join(settings))
        for partitions in (2, 3):
            self.broker.grow_topic("theirs", partitions)
            last = partitions - 1
            self.broker.produce("theirs", [b"\xff no reading"], partition=last)
            self.call("run", "--until-idle", "--port", "0", "--metrics-port", "0", *settings)
            self.call("dlq", "retry", INLET, "--all", "--conf", str(configuration))
            self.call("run", "--until-idle", "--port", "0", "--metrics-port", "0", *settings)
            letter = json.loads(self.call("dlq", "show", INLET, "-o", "json", "--conf", str(configuration)))
            self.assertEqual((letter["origin"]["partition"], letter["failures"]), (last, 2))
            self.call("dlq", "drop", INLET, "--all", "--conf", str(configuration))

    def test_positions_move_while_nobody_reads(self):
        self.run_to_end()
        self.send(("roof", 41), ("cellar", 4))
        self.run_to_end()
        self.assertEqual(self.lag(), 0)
        self.call("offsets", "set", INLET, "--to", "-1h")
        self.assertGreaterEqual(self.lag(), 2)
        self.run_to_end()
        self.assertEqual(self.sensors("hot"), ["roof", "roof"])
        self.started()
        wait_until("its group", lambda: self.ask("offsets", "set", INLET, "--to", "end", "--kafka",
                                                 self.broker.address()).returncode == 1)
        self.assertEqual(self.lag(), 0)

    def test_a_copy_replays_beside_the_original(self):
        self.run_to_end()
        self.send(("roof", 41), ("cellar", 4))
        self.started()
        wait_until("its record", lambda: self.sensors("hot") == ["roof"])
        self.assertIn("into hot.try", self.call("replay", "hot-readings", "--from", "beginning", "--into", "try", "limit=3"))
        self.assertEqual(self.sensors("hot.try"), ["roof", "cellar"])
        self.assertEqual(self.sensors("hot"), ["roof"])

    def test_top_shows_the_tasks_of_all_processes(self):
        self.run_to_end()
        for _ in range(2):
            process = subprocess.Popen([FILTER, "streamlet", "hot-readings", "--port", "0", "--metrics-port", "0", "--state",
                                        self.state, "--kafka", self.broker.address()], stderr=subprocess.DEVNULL)
            self.addCleanup(process.wait)
            self.addCleanup(process.terminate)

        def tasks():
            done = self.ask("top", "-n", "0.05", "-o", "json")
            return json.loads(done.stdout)["tasks"] if done.returncode == 0 else []

        wait_until("the task", lambda: [t["state"] for t in tasks()] == ["running"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
