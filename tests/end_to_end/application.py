"""Starts, kills, feeds and questions the log processor, as its users do: only through its programs.

CLOUDFLOW_BIN names the directory of the programs; without it build/bin.
"""

import contextlib
import email
import email.policy
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from waiting import PATIENCE, wait_until  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("CLOUDFLOW_BIN", ROOT / "build/bin"))


def program(name, *arguments, text=None):
    """Runs a program to its end."""
    return subprocess.run(
        [BIN / name, *map(str, arguments)], input=text, capture_output=True, text=True, timeout=PATIENCE * 5
    )


def processes_of_group(group):
    """The processes of a group that have not ended; a zombie has when all of its threads have."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            state, parent, of_group = (entry / "stat").read_text().rsplit(")", 1)[1].split()[:3]
            has_ended = state in "ZX" and len(os.listdir(entry / "task")) <= 1
            if int(of_group) == group and not has_ended:
                found.append((int(entry.name), int(parent)))
    return found


class Life:
    """One process `log-processor run` with its child, from its start to its end."""

    def __init__(self, arguments, directory):
        directory.mkdir(parents=True, exist_ok=True)
        self.log_file = directory / "run.log"
        self.printed_file = directory / "messages.txt"
        with open(self.log_file, "wb") as log, open(self.printed_file, "wb") as printed:
            self.process = subprocess.Popen(
                [BIN / "log-processor", "run", *map(str, arguments)],
                stdin=subprocess.DEVNULL, stdout=printed, stderr=log, start_new_session=True,
            )

    @property
    def log(self):
        return self.log_file.read_text(errors="replace")

    def is_running(self):
        return self.process.poll() is None

    def wait(self, seconds=PATIENCE * 3):
        """Waits for its own end; gives the exit code."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"it had not ended after {seconds} s; its log ends:\n{self.log[-3000:]}") from None

    def wait_at_most(self, seconds):
        """True if it has ended by then."""
        try:
            self.process.wait(max(seconds, 0))
            return True
        except subprocess.TimeoutExpired:
            return False

    def kill(self):
        """SIGKILL to parent, child and feeding command at once."""
        group = self.process.pid
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
        self.process.wait(PATIENCE)
        wait_until("the killed processes' end", lambda: not processes_of_group(group))

    def stop(self):
        """SIGTERM to the parent; gives the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait(PATIENCE)

    def child(self):
        """The id of the child that runs the application; waits until there is one."""
        def find():
            of_parent = [pid for pid, parent in processes_of_group(self.process.pid) if parent == self.process.pid]
            return of_parent[0] if of_parent else None

        return wait_until("a child", find)

    def kill_child(self):
        """SIGKILL to the child alone; the parent stays."""
        child, group = self.child(), self.process.pid
        os.kill(child, signal.SIGKILL)
        wait_until("the child's end", lambda: child not in [pid for pid, _ in processes_of_group(group)])

    def said(self, pattern):
        """The first group of `pattern` in what it has logged; waits for it."""
        def find():
            found = re.search(pattern, self.log)
            if not found and not self.is_running():
                raise AssertionError(f"it ended without saying {pattern}; its log ends:\n{self.log[-3000:]}")
            return found

        found = wait_until(f"its saying {pattern}", find)
        return found[1] if found.groups() else found[0]

    def ingress(self):
        return self.said(r"http-ingress listens at (http://\S+)")

    def metrics(self):
        return self.said(r"metrics +(http://\S+)/metrics")


class Application:
    """The log processor with its state, its logs and its outbox in one directory."""

    def __init__(self, directory, logs=None):
        self.directory = pathlib.Path(directory)
        self.state = self.directory / "state"
        self.outbox = self.directory / "outbox"
        self.logs = pathlib.Path(logs) if logs else self.directory / "logs"
        self.logs.mkdir(parents=True, exist_ok=True)

    def start(self, *arguments, feeds=False):
        """Starts it with what the arguments add. `feeds`: True: it announces all logs itself; or a command."""
        own = ["--state", self.state, "--port", 0, "--metrics-port", 0]
        if feeds:
            own += ["--feed", feeds if isinstance(feeds, str) else f"'{BIN}/log-forwarder' '{self.logs}'"]
        return Life([*own, *arguments, f"bucket={self.logs}", f"mail-outbox={self.outbox}"], self.directory)

    def run(self, *arguments):
        """Runs it over all logs to the end, which has to be a good one."""
        life = self.start("--until-idle", *arguments, feeds=True)
        try:
            code = life.wait()
        finally:
            life.kill()
        if code != 0:
            raise AssertionError(f"exit code {code}; its log ends:\n{life.log[-3000:]}")
        return life

    def ask(self, command, *arguments, text=None):
        return program("log-processor", command, *arguments, "--state", self.state, text=text)

    def topics(self):
        """How many records are in each topic; nothing when there is no log yet."""
        asked = self.ask("topics")
        if asked.returncode != 0:
            if re.search("there is no log (here|in)", asked.stderr, re.IGNORECASE):
                return {}
            raise AssertionError(asked.stderr)
        return {row.split()[0]: int(row.split()[2]) for row in asked.stdout.splitlines()[1:]}

    def count(self, topic):
        """How many records are in a topic; 0 also when it is not there yet."""
        return self.topics().get(topic, 0)

    def lines(self, topic, *arguments):
        """The records of a topic, one JSON text each, as a stream: a topic may be large."""
        command = [BIN / "log-processor", "peek", topic, "--state", self.state, *map(str, arguments)]
        with tempfile.TemporaryFile("w+") as complaint, subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=complaint, text=True
        ) as peek:
            yield from (line.rstrip("\n") for line in peek.stdout)
            if peek.wait(PATIENCE) != 0:
                complaint.seek(0)
                raise AssertionError(f"peek {topic}: {complaint.read()}")

    def peek(self, topic, *arguments):
        return [json.loads(line) for line in self.lines(topic, *arguments)]

    def mail_files(self):
        """Name -> bytes of everything that lies in the outbox, also what is hidden."""
        if not self.outbox.is_dir():
            return {}
        return {path.name: path.read_bytes() for path in sorted(self.outbox.iterdir())}

    def mails(self):
        return [email.message_from_bytes(data, policy=email.policy.default) for data in self.mail_files().values()]


class EndToEnd(unittest.TestCase):
    """A test case with a directory of its own, which ends what it has started."""

    def setUp(self):
        if not (BIN / "log-processor").exists():
            self.fail(f"{BIN}/log-processor is not there: ./dev build makes it")
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="cloudflow-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)

    def application(self, logs=None, name="app"):
        return Application(self.directory / name, logs)

    def started(self, application, *arguments, feeds=False):
        life = application.start(*arguments, feeds=feeds)
        self.addCleanup(life.kill)
        return life

    def generate(self, into, *arguments):
        made = program("log-generator", "--out", into, *arguments)
        self.assertEqual(made.returncode, 0, made.stderr)
        return into
