"""What a container of a streamlet does, as a process: it runs what is mounted, and says how it is and why it ended."""

import io
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import unittest
import urllib.error
import urllib.request

import fastavro

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from kafka import Broker  # noqa: E402
from waiting import PATIENCE, wait_until  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILTER = os.environ.get("CLOUDFLOW_FILTER", str(ROOT / "build/bin/filter-on-kafka"))
SCHEMA = fastavro.parse_schema(json.loads((ROOT / "examples/filter/schemas/Reading.avsc").read_text()))


def reading(sensor, celsius=99.0):
    out = io.BytesIO()
    fastavro.schemaless_writer(out, SCHEMA, {"sensor": sensor, "celsius": celsius})
    return out.getvalue()


def plan_for(address):
    """The plan of the filter on a broker. It has one streamlet, as that of a pod has."""
    done = subprocess.run([FILTER, "plan", "--kafka", address, "-o", "json"], capture_output=True, check=True)
    return json.loads(done.stdout)


class Pod:
    """A process that has what the operator mounts."""

    def __init__(self, plan, secrets=None, name="filter-0"):
        self.directory = tempfile.TemporaryDirectory()
        root = pathlib.Path(self.directory.name)
        self.termination, self.log_file = root / "termination", root / "log"
        (root / "configuration").mkdir()
        (root / "configuration/plan.json").write_text(plan if isinstance(plan, str) else json.dumps(plan))
        (root / "configuration/secrets.json").write_text(json.dumps(secrets or {}))
        with open(self.log_file, "wb") as log:
            self.process = subprocess.Popen(
                [FILTER, "pod", "--configuration", root / "configuration", "--state", root / "state", "--metrics-port", "0",
                 "--port", "0", "--address", "127.0.0.1", "--termination-message", self.termination, "--name", name],
                stdout=log, stderr=log)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.directory.cleanup()

    @property
    def log(self):
        return self.log_file.read_text()

    def health(self, path):
        """`200 ready`; nothing as long as it does not answer."""
        found = re.search(r"health at (\S+)", self.log)
        if not found:
            return ""
        return health_at(found[1], path)

    def is_ready(self):
        return self.health("/ready").startswith("200")

    def stops(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


def health_at(address, path):
    """`200 ready`."""
    try:
        with urllib.request.urlopen(address + path, timeout=PATIENCE) as answer:
            return f"{answer.status} {answer.read().decode()}"
    except urllib.error.HTTPError as answer:
        return f"{answer.code} {answer.read().decode()}"


def provision(address):
    """Makes the topics, as the operator does: by an application that runs until it is ready."""
    with tempfile.TemporaryDirectory() as state, open(pathlib.Path(state) / "log", "w+b") as log:
        command = [FILTER, "run", "--kafka", address, "--state", state, "--port", "0", "--metrics-port", "0"]
        with subprocess.Popen(command, stderr=log) as process:
            def is_ready():
                found = re.search(r"(http://\S+)/metrics", pathlib.Path(log.name).read_text())
                return found and health_at(found[1], "/ready").startswith("200")
            wait_until("its topics", is_ready)
            process.terminate()
            process.wait(PATIENCE)


class Pods(unittest.TestCase):
    def test_it_runs_what_is_mounted_and_ends_well_when_told(self):
        with Broker() as broker:
            provision(broker.address())
            with Pod(plan_for(broker.address())) as pod:
                wait_until("ready", pod.is_ready)
                broker.produce("readings", [reading("one"), reading("cold", 1.0)])
                wait_until("what passes", lambda: len(broker.records("hot")) == 1)
                self.assertIn('streamlet="hot-readings"', pod.health("/metrics"))
                self.assertEqual(pod.stops(), 0, pod.log)
                self.assertEqual(pod.termination.read_text() if pod.termination.exists() else "", "")

    def test_it_lives_and_is_not_ready_while_its_topics_are_not_made_and_makes_none(self):
        with Broker() as broker, Pod(plan_for(broker.address())) as pod:
            wait_until("what is missing", lambda: "Whoever deploys the application makes it" in pod.health("/ready"))
            self.assertTrue(pod.health("/live").startswith("200"))
            provision(broker.address())
            wait_until("ready", pod.is_ready)
            self.assertEqual(pod.stops(), 0, pod.log)

    def test_it_lives_and_is_not_ready_while_the_broker_is_away(self):
        with Pod(plan_for("127.0.0.1:1")) as pod:
            wait_until("the line about it", lambda: "127.0.0.1:1" in pod.log)
            self.assertTrue(pod.health("/live").startswith("200"))
            self.assertTrue(pod.health("/ready").startswith("503"))
            self.assertEqual(pod.stops(), 0, pod.log)

    def refused(self, plan, *words, secrets=None):
        with Pod(plan, secrets) as pod:
            self.assertEqual(pod.process.wait(PATIENCE), 1, pod.log)
            for word in words:
                self.assertIn(word, pod.termination.read_text())

    def test_the_plan_of_another_program_is_refused_with_what_differs(self):
        plan = plan_for("127.0.0.1:1")
        streamlet = plan["streamlets"][0]
        self.refused(plan | {"streamlets": [streamlet | {"class": "not.here"}]}, "no class not.here", "same build")
        inlet = streamlet["inlets"][0] | {"name": "other"}
        self.refused(plan | {"streamlets": [streamlet | {"inlets": [inlet]}]}, "inlet other", "same build")
        schemas = {name: s | {"fingerprint": "other"} for name, s in plan["schemas"].items()}
        self.refused(plan | {"schemas": schemas}, "other", "same build")
        self.refused(plan | {"streamlets": [streamlet | {"parameters": {"new": "1"}}]}, "parameter new", "same build")

    def test_files_that_cannot_be_read_are_refused_with_their_names(self):
        plan = plan_for("127.0.0.1:1")
        self.refused("{", "plan.json", "no JSON")
        self.refused(plan | {"format": 99}, "plan.json", "99")
        self.refused(plan | {"streamlets": []}, "plan.json", "0 streamlets")
        topics = [t | {"connection": {"bootstrap.servers": "127.0.0.1:1", "sasl.password": {"secret": "a.b"}}} for t in plan["topics"]]
        self.refused(plan | {"topics": topics}, "secrets.json", "a.b is missing")


if __name__ == "__main__":
    unittest.main()
