#!/usr/bin/env python3
"""What a bad neighbour costs others in the same process: a good client of an ingress, and the streamlet behind it.

usage: neighbours.py [REGEX]     REGEX: only the neighbours whose names match

A client sends one record after the other; `neighbour` passes them on. Meanwhile something else in the application
misbehaves until it is over, at least for 20 s. Throughput and latency of the client, what it was not told, how long it
was without service, how far `neighbour` was behind at the end. Then SIGTERM, within 25 s.
Exit code 1: a record that was acknowledged is not there once, or the end takes too long.
"""

import collections
import contextlib
import json
import pathlib
import re
import shutil
import socket
import sys
import tempfile
import threading
import time
import urllib.parse

import faults
from faults import BOUND, Application, item, lines_of, wait_until

AT_LEAST, AT_MOST = 20, 240  # s
ENDS_WITHIN = 25
TOO_LARGE = 1_500_000


class Client(threading.Thread):
    """`answers`: (when it was sent, seconds, key, status or None)."""

    def __init__(self, life):
        super().__init__(daemon=True)
        self.life, self.answers, self.is_over = life, [], threading.Event()

    def run(self):
        while not self.is_over.is_set():
            key, begun = f"key-{len(self.answers)}", time.monotonic()
            status = self.life.post(item(key), seconds=60)
            self.answers.append((begun, time.monotonic() - begun, key, status))
            if status != 202:
                time.sleep(0.02)

    def taken(self):
        return [key for _, _, key, status in list(self.answers) if status == 202]


# -- the neighbours: each is told the application and gives what says whether it is over ----------


def nobody(_app, _life):
    return lambda: True


def acts(*records, letters=0):
    """Records for the streamlet that does what they say; over when so many have become dead letters."""

    def begin(app, _life):
        app.send("in", *records)
        return lambda: len(app.dead_letters()) >= letters

    return begin


def too_large(app, life):
    """A client that sends what no topic takes, again and again."""
    body = lines_of([item("large", text="x" * TOO_LARGE)]).encode()
    told = collections.Counter()

    def send():
        while life.is_running():
            told[faults.answer_of(life.url(), body)] += 1
            time.sleep(0.05)

    threading.Thread(target=send, daemon=True).start()
    return lambda: set(told) == {413}


def hangs_on(addresses):
    """Clients that connect, send half of a request and nothing more."""

    def begin(app, life):
        held = []
        for family, address, first in addresses(app, life):
            connection = socket.socket(family)
            connection.connect(address)
            connection.sendall(first)
            held.append(connection)
        return lambda: len(held) > 0

    return begin


def sandbox_socket(app, _life):
    return [(socket.AF_UNIX, str(next(app.state.rglob("*.sock"))), b"\x00\x00") for _ in range(8)]


def ingress_socket(_app, life):
    url = urllib.parse.urlsplit(life.url())
    half = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"
    return [(socket.AF_INET, (url.hostname, url.port), half) for _ in range(200)]


NEIGHBOURS = {
    "none": nobody,
    "a slow function, 50 ms a record": acts(*[item(f"s{i}", 50, text="sleep") for i in range(2000)]),
    "an endless loop at one record": acts(item("bad", text="loop"), letters=1),
    "a crash at one record": acts(item("bad", text="crash"), letters=1),
    "a client that sends records too large": too_large,
    "clients that hang on the sandbox's socket": hangs_on(sandbox_socket),
    "clients that hang on the ingress": hangs_on(ingress_socket),
}


def share(sorted_values, part):
    return sorted_values[min(len(sorted_values) - 1, int(part * len(sorted_values)))]


def longest_without_service(answers):
    """Between two requests that were taken, sent one after the other."""
    ends = [begun + took for begun, took, _, status in answers if status == 202]
    return max((b - a for a, b in zip(ends, ends[1:])), default=float("inf"))


def cell(name, neighbour):
    directory = pathlib.Path(tempfile.mkdtemp(prefix="cloudflow-"))
    app = Application(directory / "app", "neighbours")
    life = app.start()
    try:
        wait_until("/ready", lambda: life.status_of("/ready") == 200, BOUND)
        client = Client(life)
        client.start()
        wait_until("a record taken", client.taken, BOUND)
        begun, is_over = time.monotonic(), neighbour(app, life)
        while time.monotonic() - begun < AT_MOST:
            time.sleep(1)
            with contextlib.suppress(AssertionError):  # a process that has just crashed answers nobody
                if time.monotonic() - begun > AT_LEAST and is_over():
                    break
        lasted = time.monotonic() - begun
        client.is_over.set()
        client.join()
        taken, asked = client.taken(), time.monotonic()
        with contextlib.suppress(AssertionError):
            wait_until("all passed on", lambda: app.count("beside-out") >= len(taken), BOUND)
        behind = time.monotonic() - asked
        stopped = time.monotonic()
        code = life.stop()
        return judge(name, client.answers, lasted, behind, time.monotonic() - stopped, code, app)
    finally:
        life.kill()
        shutil.rmtree(directory, ignore_errors=True)


def judge(name, answers, lasted, behind, ended, code, app):
    there = collections.Counter(json.loads(line)["key"] for line in app.call("peek", "beside-out").splitlines())
    times = sorted(took for _, took, _, status in answers if status == 202)
    told = collections.Counter(status or "no answer" for *_, status in answers)
    taken = {key for *_, key, status in answers if status == 202}
    wrong = [
        text
        for text, is_so in (
            ("acknowledged and gone", any(there[key] == 0 for key in taken)),
            ("there twice", any(n > 1 for n in there.values())),
            (f"ended after {ended:.0f} s", ended > ENDS_WITHIN),
            ("not over in time", lasted >= AT_MOST),
        )
        if is_so
    ]
    others = ", ".join(f"{n} x {status}" for status, n in told.items() if status != 202) or "-"
    print(
        f"| {name} | {lasted:.0f} s | {len(times) / lasted:.0f} | {share(times, 0.5) * 1e3:.1f} | {share(times, 0.99) * 1e3:.1f} "
        f"| {longest_without_service(answers):.1f} s | {others} | {behind:.1f} s | {ended:.1f} s, {code} | {', '.join(wrong) or 'right'} |",
        flush=True,
    )
    return not wrong


def main():
    chosen = re.compile(sys.argv[1] if len(sys.argv) > 1 else "")
    print("| neighbour | lasted | requests/s | p50 ms | p99 ms | longest without | told otherwise | behind | SIGTERM | |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    good = [cell(name, how) for name, how in NEIGHBOURS.items() if chosen.search(name)]
    return 0 if good and all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
