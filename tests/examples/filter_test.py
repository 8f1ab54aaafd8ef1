"""Runs the filter of README.md as its author would: send, run, peek.

usage: filter_test.py PROGRAM
"""

import json
import subprocess
import sys
import tempfile

READINGS = [{"sensor": "cellar", "celsius": 12.5}, {"sensor": "roof", "celsius": 41}, {"sensor": "oven", "celsius": 30.1}]


class application:
    def __init__(self, program: str, state: str):
        self.program, self.state = program, state

    def call(self, command: str, *arguments: str, stdin: str = "") -> str:
        done = subprocess.run([self.program, command, *arguments, "--state", self.state], input=stdin,
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{command}: exit code {done.returncode}\n{done.stderr}"
        return done.stdout

    def run(self, *arguments: str):
        self.call("run", "--until-idle", "--port", "0", "--metrics-port", "0", *arguments)

    def sensors(self) -> list[str]:
        return [json.loads(line)["sensor"] for line in self.call("peek", "hot").splitlines()]


def main() -> int:
    lines = "".join(json.dumps(r) + "\n" for r in READINGS)
    with tempfile.TemporaryDirectory() as state:
        app = application(sys.argv[1], state)
        app.run()  # makes the topics
        app.call("send", "readings", stdin=lines)
        app.run()
        assert app.sensors() == ["roof", "oven"], app.sensors()
        app.run()
        assert app.sensors() == ["roof", "oven"], f"a second run has done it again: {app.sensors()}"
        app.call("send", "readings", stdin=lines)
        app.run("limit=40")
        assert app.sensors() == ["roof", "oven", "roof"], app.sensors()
    return 0


if __name__ == "__main__":
    sys.exit(main())
