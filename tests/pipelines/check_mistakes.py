#!/usr/bin/env python3
"""Plants one mistake after the other in the model: each has to make runs fail.

usage: check_mistakes.py PIPELINES
"""
import subprocess
import sys

RUNS = 300


def failures(program, mistake):
    done = subprocess.run([program, "--runs", str(RUNS), "--log", "kafka", "--mistake", mistake],
                          capture_output=True, text=True, errors="replace")
    return int(done.stdout.split(" runs, ")[1].split()[0])


def main():
    program = sys.argv[1]
    usual = failures(program, "none")
    names = subprocess.check_output([program, "--mistakes"], text=True).split()
    unnoticed = False
    for name in names:
        count = failures(program, name) - usual
        print(f"{name}: {count} of {RUNS} runs fail")
        unnoticed = unnoticed or count <= 0
    return int(unnoticed or not names)


if __name__ == "__main__":
    sys.exit(main())
