#!/usr/bin/env python3
"""Writes that fail under load, as a table: what was acknowledged, what health said, how long service was away.

usage: disk_table.py [REGEX]     REGEX: only the cells whose names match

A cell is a failure (no space, an I/O error, no file descriptors, no inodes) and how long it lasts (once, a minute,
until the application is started again). A client sends one request after the other, each with a key of its own. At
the end the log is read: each key of a 202 is there, each key of a 503 is not, none is there twice.
Exit code 1: a cell is not as it should be.
"""

import collections
import errno
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import faults
from faults import BOUND, Application, Shim, item

EVERY = 1_000_000_000
FAILURES = {
    "no space": ("writes_to_fail", errno.ENOSPC),
    "I/O error": ("writes_to_fail", errno.EIO),
    "no descriptors": ("files_to_fail", errno.EMFILE),
    "no inodes": ("files_to_fail", errno.ENOSPC),
}
LONG = {"once": 0, "a minute": 60, "until restart": 20}
BACK_WITHIN = 10  # s


class Client(threading.Thread):
    """Sends one request after the other; `answers`: (time, key, status or None)."""

    def __init__(self, life, text):
        super().__init__(daemon=True)
        self.life, self.text, self.answers, self.is_over = life, text, [], threading.Event()

    def run(self):
        while not self.is_over.wait(0.02):
            key = f"key-{len(self.answers)}"
            status = self.life.post(item(key, text=self.text), seconds=45)
            self.answers.append((time.monotonic(), key, status))

    def first_taken_after(self, moment, patience):
        give_up = time.monotonic() + patience
        while time.monotonic() < give_up:
            for at, _, status in list(self.answers):
                if status == 202 and at > moment:
                    return at - moment
            time.sleep(0.05)
        return None


def watch_health(life, seconds, until=lambda: False):
    """What /live and /ready said, in order, each once in a row: `live/ready`."""
    said, give_up = [], time.monotonic() + seconds
    while time.monotonic() < give_up and life.is_running() and not until():
        now = f"{life.status_of('/live') or '-'}/{life.status_of('/ready') or '-'}"
        if not said or said[-1] != now:
            said.append(now)
        time.sleep(0.2)
    return said


def keys_of(app):
    """How often each key is in the log; a stream, for the log may be large."""
    command = [app.program, "peek", "items", "--state", app.state]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=app.environment) as peek:
        return collections.Counter(json.loads(line)["key"] for line in peek.stdout)


def cell(name, field, failure, lasts):
    directory = pathlib.Path(tempfile.mkdtemp(prefix="cloudflow-"))
    lives = []
    try:
        shim = Shim(directory / "shim")
        app = Application(directory / "app", "counts", shim=shim)
        lives.append(life := app.start())
        faults.wait_until("/ready", lambda: life.status_of("/ready") == 200, BOUND)
        # New files are made when much has been written.
        client = Client(life, "x" * 200_000 if field == "files_to_fail" else "")
        client.start()
        client.first_taken_after(0, BOUND)
        shim["failure"] = failure
        shim[field] = 1 if lasts == "once" else EVERY
        said = watch_health(life, 90 if lasts == "once" else LONG[lasts], lambda: lasts == "once" and shim["failed"] > 0)
        code = None
        if lasts == "until restart":
            code = life.stop()
            shim[field] = 0
            lives.append(life := app.start())
            client.life, gone = life, time.monotonic()
        else:
            shim[field], gone = 0, time.monotonic()
        away = client.first_taken_after(gone, 6 * BACK_WITHIN)
        said += watch_health(life, BACK_WITHIN, lambda: life.status_of("/ready") == 200)
        said.append(f"{life.status_of('/live')}/{life.status_of('/ready')}")
        client.is_over.set()
        client.join()
        codes = [c for c in (code, life.stop()) if c is not None]
        stored = keys_of(app)
        return judge(name, lasts, shim["failed"], client.answers, stored, away, said, codes)
    finally:
        for each in lives:
            each.kill()
        shutil.rmtree(directory, ignore_errors=True)


def judge(name, lasts, failed, answers, stored, away, said, codes):
    taken = [key for _, key, status in answers if status == 202]
    refused = [key for _, key, status in answers if status == 503]
    wrong = [
        text
        for text, is_so in (
            ("nothing failed", failed == 0),
            ("acknowledged and gone", any(stored[key] == 0 for key in taken)),
            ("503 and stored", any(stored[key] for key in refused)),
            ("stored twice", any(n > 1 for n in stored.values())),
            (f"service after {away and round(away, 1)} s", away is None or away > BACK_WITHIN),
            ("not live", any(s.startswith("503/") for s in said)),
            ("not ready at the end", said[-1] != "200/200"),
            (f"exit codes {codes}", any(codes)),
        )
        if is_so
    ]
    health = " ".join(s for i, s in enumerate(said) if i == 0 or s != said[i - 1])
    print(
        f"| {name} | {lasts} | {failed} | {len(taken)} | {len(refused)} | {len(answers) - len(taken) - len(refused)} "
        f"| {'never' if away is None else f'{away:.1f} s'} | {health} | {codes} | {', '.join(wrong) or 'right'} |",
        flush=True,
    )
    return not wrong


def main():
    chosen = re.compile(sys.argv[1] if len(sys.argv) > 1 else "")
    print("| failure | lasts | failed | 202 | 503 | no answer | service again | /live//ready | exit codes | |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    good = [
        cell(name, field, failure, lasts)
        for name, (field, failure) in FAILURES.items()
        for lasts in LONG
        if chosen.search(f"{name}, {lasts}")
    ]
    return 0 if good and all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
