"""What a process has done and used by when, seen from outside."""

import collections
import os
import pathlib
import re
import threading
import time

TICKS = os.sysconf("SC_CLK_TCK")
INTERVAL = 0.05  # seconds between two samples
FIRST, LAST = 0.10, 0.95  # of the work: start and end of what is measured

Sample = collections.namedtuple("Sample", "time done job_cpu broker_cpu")


def cpu_seconds(*pids):
    """User and system time of all threads, also of those that have ended."""
    fields = [pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split() for pid in pids]
    return sum(int(f[11]) + int(f[12]) for f in fields) / TICKS


def peak_memory(*pids):
    """RSS at its highest, MB."""
    status = [pathlib.Path(f"/proc/{pid}/status").read_text() for pid in pids]
    return sum(int(re.search(r"VmHWM:\s+(\d+)", text)[1]) for text in status) * 1024 / 1e6


class Progress:
    """The lines `progress N` and `counted TEXT` that a process prints, the latest of each. Reads on a thread."""

    def __init__(self, stream):
        self.done, self.counted = 0, None
        self._thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._thread.start()

    def _read(self, stream):
        for line in stream:
            word, _, rest = line.strip().partition(" ")
            if word == "progress":
                self.done = int(rest)
            elif word == "counted":
                self.counted = rest


class Sampler:
    """Takes samples while a job runs."""

    def __init__(self, processes, broker_pid, done):
        self._processes, self._broker, self._done = processes, broker_pid, done
        self.samples, self.first_after = [], None
        self._began = time.perf_counter()

    def wait_for(self, wanted, patience):
        """Until so much is done. False: a process has ended, or time is up."""
        pids = [process.pid for process in self._processes]
        while True:
            now, done = time.perf_counter(), self._done()
            if any(p.poll() is not None for p in self._processes) or now - self._began > patience:
                return False
            if done and self.first_after is None:
                self.first_after = now - self._began
            if self.first_after is None:
                time.sleep(0.002)
                continue
            self.samples.append(Sample(now, done, cpu_seconds(*pids), cpu_seconds(self._broker)))
            if done >= wanted:
                return True
            time.sleep(INTERVAL)

    def figures(self, wanted, records):
        """`wanted`: what is done at the end; `records`: how many input records that is."""
        begin, end = self._at(FIRST * wanted), self._at(LAST * wanted)
        covered = (LAST - FIRST) * records
        return {
            "rate": covered / max(end.time - begin.time, INTERVAL),  # a run this short says nothing
            "job_cpu": (end.job_cpu - begin.job_cpu) / covered * 1e6,
            "broker_cpu": (end.broker_cpu - begin.broker_cpu) / covered * 1e6,
            "peak_mb": peak_memory(*(p.pid for p in self._processes)),
            "first_s": self.first_after,
        }

    def _at(self, done):
        """Between two samples, as if work went on evenly."""
        for before, after in zip(self.samples, self.samples[1:]):
            if after.done >= done > before.done:
                part = (done - before.done) / (after.done - before.done)
                return Sample(*(a + part * (b - a) for a, b in zip(before, after)))
        return self.samples[0]
