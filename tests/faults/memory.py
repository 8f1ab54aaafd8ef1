#!/usr/bin/env python3
"""Memory under load: it grows to a bound and stays there.

usage: memory.py [--minutes N]

Four clients send requests of 100 records with 1,000 keys, as fast as they are answered, for N minutes (10). Prints the
resident memory of the child (RssAnon, RssFile) beside the number of requests. Exit code 1: a request was not taken; the
second half of the time has a maximum more than a tenth above that of the second quarter; or it is above the bound.
"""

import argparse
import http.client
import pathlib
import shutil
import sys
import tempfile
import threading
import time
import urllib.parse

from faults import BOUND, Application, item, lines_of, wait_until

CLIENTS, BATCH, KEYS = 4, 100, 1000
MOST_MIB = 300
EVERY = 10  # s


def resident(pid):
    """(anonymous, of files) in MiB."""
    fields = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
    return tuple(int(fields[name].split()[0]) / 1024 for name in ("RssAnon", "RssFile"))


class Client(threading.Thread):
    def __init__(self, url, number):
        super().__init__(daemon=True)
        self.address, self.number, self.requests, self.refused = urllib.parse.urlparse(url), number, 0, []
        self.is_over = threading.Event()

    def run(self):
        connection = http.client.HTTPConnection(self.address.hostname, self.address.port, timeout=60)
        bodies = [
            lines_of([item(f"key-{(self.number * 250 + n * BATCH + i) % KEYS}", text="x" * 100) for i in range(BATCH)])
            for n in range(KEYS // BATCH)
        ]
        while not self.is_over.is_set():
            connection.request("POST", "/", bodies[self.requests % len(bodies)])
            answer = connection.getresponse()
            answer.read()
            self.requests += 1
            if answer.status != 202:
                self.refused.append(answer.status)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=10)
    seconds = parser.parse_args().minutes * 60
    directory = pathlib.Path(tempfile.mkdtemp(prefix="cloudflow-"))
    life = Application(directory / "app", "counts").start("--disk-bound", 2_000_000_000)
    try:
        wait_until("/ready", lambda: life.status_of("/ready") == 200, BOUND)
        child = life.child()
        clients = [Client(life.url(), n) for n in range(CLIENTS)]
        for client in clients:
            client.start()
        samples, begun = [], time.monotonic()
        print("| after | requests | RssAnon | RssFile |\n|---|---|---|---|")
        while time.monotonic() - begun < seconds:
            time.sleep(EVERY)
            anonymous, of_files = resident(child)
            samples.append(anonymous)
            requests = sum(client.requests for client in clients)
            print(f"| {time.monotonic() - begun:.0f} s | {requests} | {anonymous:.0f} MiB | {of_files:.0f} MiB |", flush=True)
        for client in clients:
            client.is_over.set()
        for client in clients:
            client.join(BOUND)
        refused = [status for client in clients for status in client.refused]
        code = life.stop()
    finally:
        life.kill()
        shutil.rmtree(directory, ignore_errors=True)
    early, late = max(samples[len(samples) // 4 : len(samples) // 2]), max(samples[len(samples) // 2 :])
    wrong = [
        text
        for text, is_so in (
            (f"refused: {refused[:10]}", refused),
            (f"it grows: {early:.0f} MiB, then {late:.0f} MiB", late > 1.1 * early),
            (f"{late:.0f} MiB are more than {MOST_MIB} MiB", late > MOST_MIB),
            (f"exit code {code}", code != 0),
        )
        if is_so
    ]
    print(f"\nat most {early:.0f} MiB in the second quarter, {late:.0f} MiB in the second half: {', '.join(wrong) or 'bounded'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
