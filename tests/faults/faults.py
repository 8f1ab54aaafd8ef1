"""Starts and questions the applications of the rows (programs/), only through their programs.

CLOUDFLOW_FAULTS names the directory of the programs; without it build/release/tests/faults.
"""

import contextlib
import json
import mmap
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "end_to_end"))
import application  # noqa: E402
from application import wait_until  # noqa: E402,F401

ROOT = pathlib.Path(__file__).resolve().parents[2]
FAULTS = pathlib.Path(os.environ.get("CLOUDFLOW_FAULTS", ROOT / "build/release/tests/faults"))
IS_SOAK = "CLOUDFLOW_SOAK" in os.environ
# Seconds for what takes less than one on an idle machine; what has not ended by then hangs.
BOUND = 20


def slow(test):
    """Leaves a test to the soak: it takes longer than CI may."""
    return unittest.skipUnless(IS_SOAK, "only in `./dev soak faults`: it takes more than 30 s")(
        test
    )


def item(key, n=0, at=0, text=""):
    """A record of schemas/Item.avsc; `at` in ms."""
    return {"key": key, "n": n, "at": at, "text": text}


def lines_of(records):
    return "".join(json.dumps(r) + "\n" for r in records)


class Shim:
    """The clock and the disk of the processes that are started with it: see shim/shim.cpp."""

    FIELDS = {
        "clock_offset": 0, "free_bytes": 8, "writes_to_fail": 16, "failure": 24, "failed": 32, "files_to_fail": 40
    }

    def __init__(self, path):
        path.write_bytes(bytes(4096))
        self.path = path
        with open(path, "r+b") as file:
            self.page = mmap.mmap(file.fileno(), 4096)
        self["free_bytes"] = -1

    def __setitem__(self, name, value):
        struct.pack_into("q", self.page, self.FIELDS[name], value)

    def __getitem__(self, name):
        return struct.unpack_from("q", self.page, self.FIELDS[name])[0]

    def environment(self):
        return {"LD_PRELOAD": str(FAULTS / "libfault_shim.so"), "CLOUDFLOW_SHIM": str(self.path)}


class Life(application.Life):
    """One process `run` with its child, from its start to its end."""

    def __init__(self, command, directory, name="run", **how):
        self.log_file = directory / f"{name}.log"
        self.printed_file = directory / f"{name}.txt"
        with open(self.log_file, "wb") as log, open(self.printed_file, "wb") as printed:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=log,
                start_new_session=True,
                **how,
            )

    def url(self, streamlet="ingress"):
        return self.last_said(rf"{streamlet} listens at (http://\S+)")

    def metrics(self):
        return self.last_said(r"metrics +(http://\S+)/metrics")

    def last_said(self, pattern):
        """A server that is opened again has another port, so its last address counts."""
        self.said(pattern)
        return re.findall(pattern, self.log)[-1]

    def post(self, *items, seconds=BOUND, streamlet="ingress"):
        """POSTs records in one request; the answer's status, None when there was no answer."""
        return answer_of(self.url(streamlet), lines_of(items).encode(), seconds)

    def log_tail(self):
        """The last lines of its log, without the picture of the application."""
        lines = [
            line
            for line in self.log.splitlines()
            if line and not re.search(r"^[ \[]|[▶◀]|^(state|metrics) ", line)
        ]
        return "\n".join(lines[-6:])

    def status_of(self, path):
        """The answer's status of the health server; None when there is no answer."""
        return answer_of(self.metrics() + path)


def answer_of(url, data=None, seconds=BOUND):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data), timeout=seconds) as answer:
            return answer.status
    except urllib.error.HTTPError as refusal:
        return refusal.code
    except OSError:
        return None


class Application:
    """The application of a row, with its state."""

    def __init__(self, directory, row, program="faults", shim=None):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.state = self.directory / "state"
        self.program = FAULTS / program
        self.environment = {
            **os.environ,
            "CLOUDFLOW_FAULT": row,
            **(shim.environment() if shim else {}),
        }
        self.lives = 0

    def start(self, *arguments, **how):
        own = ["--state", self.state, "--metrics-port", 0]
        if "--port" not in arguments:
            own += ["--port", 0]
        command = [self.program, "run", *own, *arguments]
        self.lives += 1
        return Life(
            list(map(str, command)),
            self.directory,
            f"run-{self.lives}",
            env=self.environment,
            **how,
        )

    def run_to_end(self, *arguments, seconds=BOUND):
        """Runs until it is idle; gives the life, which has ended or has been killed as hanging."""
        life = self.start("--until-idle", *arguments)
        has_ended = life.wait_at_most(seconds)
        code = life.process.returncode
        life.kill()
        life.code = code if has_ended else None
        return life

    def run(self, *arguments, seconds=BOUND):
        """Runs until it is idle, which has to be soon and well."""
        life = self.run_to_end(*arguments, seconds=seconds)
        if life.code != 0:
            raise AssertionError(f"{ended(life.code, seconds)}; its log ends:\n{life.log_tail()}")
        return life

    def ask(self, command, *arguments, text=None, seconds=BOUND):
        command = [self.program, *command.split(), *map(str, arguments)]
        if command[1] not in ("verify", "describe", "graph"):
            command += ["--state", self.state]
        try:
            return subprocess.run(
                command,
                input=text,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=seconds,
                env=self.environment,
            )
        except subprocess.TimeoutExpired:
            raise AssertionError(
                f"`{' '.join(map(str, command[1:3]))}` had not ended after {seconds} s"
            ) from None

    def call(self, command, *arguments, text=None):
        """What a command prints; it has to succeed."""
        done = self.ask(command, *arguments, text=text)
        if done.returncode != 0:
            raise AssertionError(f"{command}: exit code {done.returncode}: {done.stderr[-1500:]}")
        return done.stdout

    def told(self, command, *arguments):
        """The JSON that a command prints."""
        return json.loads(self.call(command, *arguments, "-o", "json"))

    def send(self, topic, *records):
        self.call("send", topic, text=lines_of(records))

    def peek(self, topic, *arguments):
        return [json.loads(line) for line in self.call("peek", topic, *arguments).splitlines()]

    def count(self, topic):
        """How many records are in a topic; 0 also when it is not there."""
        rows = [line.split() for line in self.call("topics").splitlines()[1:]]
        return next((int(row[2]) for row in rows if row[0] == topic), 0)

    def dead_letters(self, inlet="s"):
        """The dead letters that wait of an inlet."""
        return [
            json.loads(line) for line in self.call("dlq show", inlet, "-o", "json").splitlines()
        ]

    def all_dead_letters(self):
        """Whatever is in topics of dead letters, as text."""
        topics = re.findall(r"^(\S*dead-letter)\s", self.call("topics", "--all"), re.MULTILINE)
        return "".join(self.call("peek", topic, "--format", "full") for topic in topics)

    def files(self):
        """What is in the files of the log that hold its data: path -> bytes."""
        log = self.state / "log"
        return {
            path.relative_to(log): path.read_bytes()
            for path in sorted(log.rglob("*"))
            if path.is_file() and not path.name.startswith("LOG") and path.name != "LOCK"
        }


def ended(code, seconds):
    return f"had not ended after {seconds} s" if code is None else f"ended with exit code {code}"


class Fault(unittest.TestCase):
    """A test case with a directory of its own, which ends what it has started."""

    maxDiff = 2000

    def setUp(self):
        if not (FAULTS / "faults").exists():
            self.fail(f"{FAULTS}/faults is not there: `./dev build release faults` makes it")
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="cloudflow-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)

    def application(self, row, name="app", **how):
        return Application(self.directory / name, row, **how)

    def shim(self):
        return Shim(self.directory / "shim")

    def prepared(self, row, **how):
        """An application that has run once, so that its topics are there."""
        app = self.application(row, **how)
        app.run()
        return app

    def started(self, app, *arguments, **how):
        life = app.start(*arguments, **how)
        self.addCleanup(life.kill)
        return life

    def ready(self, app, *arguments, **how):
        """Started, and all of its streamlets run."""
        life = self.started(app, *arguments, **how)
        wait_until("/ready", lambda: life.status_of("/ready") == 200, BOUND)
        return life

    def wait_for_count(self, app, topic, count, seconds=BOUND):
        wait_until(f"{count} records in {topic}", lambda: app.count(topic) >= count, seconds)

    def assert_refused(self, done, pattern):
        """A command (or a life that has ended) that was refused by a sentence."""
        code = done.code if isinstance(done, Life) else done.returncode
        text = done.log if isinstance(done, Life) else done.stderr
        end = done.log_tail() if isinstance(done, Life) else text[-1500:]
        self.assertIsNotNone(code, f"had not ended after {BOUND} s; its log ends:\n{end}")
        self.assertIn(code, (1, 2), f"exit code {code}:\n{end}")
        self.assertRegex(text, pattern)


@contextlib.contextmanager
def at_most(test, seconds, what):
    """Fails when what is inside takes longer."""
    begun = time.monotonic()
    yield
    test.assertLessEqual(time.monotonic() - begun, seconds, what)
