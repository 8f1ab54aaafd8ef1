"""Runs the filter of README.md as its author would: send, run, peek.

usage: filter_test.py PROGRAM
"""

import json
import pathlib
import subprocess
import sys
import tempfile

READINGS = [{"sensor": "cellar", "celsius": 12.5}, {"sensor": "roof", "celsius": 41}, {"sensor": "oven", "celsius": 30.1}]


class application:
    def __init__(self, program: str, state: str, *configuration: str):
        self.program, self.state, self.configuration = program, state, configuration

    def call(self, command: str, *arguments: str, stdin: str = "") -> str:
        done = subprocess.run([self.program, command, *arguments, "--state", self.state, *self.configuration], input=stdin,
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{command}: exit code {done.returncode}\n{done.stderr}"
        return done.stdout

    def run(self, *arguments: str):
        self.call("run", "--until-idle", "--port", "0", "--metrics-port", "0", *arguments)

    def sensors(self) -> list[str]:
        return [json.loads(line)["sensor"] for line in self.call("peek", "hot").splitlines()]


def test_topics_are_named_as_in_the_blueprint_whatever_they_are_called_on_the_log(program: str, lines: str):
    with tempfile.TemporaryDirectory() as state:
        others = application(program, state)
        others.run()  # makes topics that have the names of the blueprint
        staging = pathlib.Path(state, "staging.conf")
        staging.write_text('cloudflow { kafka.prefix = "staging-", topics.hot.topic.name = "warm" }')
        app = application(program, state, "--conf", str(staging))
        app.run()
        assert app.call("send", "readings", stdin=lines) == "3 records are in staging-readings\n"
        app.run()
        assert app.sensors() == ["roof", "oven"], app.sensors()
        assert app.call("peek", "staging-warm") == app.call("peek", "hot")
        assert others.call("peek", "readings") == "", "they came to the topic of another application"


def main() -> int:
    lines = "".join(json.dumps(r) + "\n" for r in READINGS)
    test_topics_are_named_as_in_the_blueprint_whatever_they_are_called_on_the_log(sys.argv[1], lines)
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
