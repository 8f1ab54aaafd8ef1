"""Compiles a wrong streamlet and compares what g++ says with what the case wants.

usage: check.py CASE.cpp BUILD_TREE COMPILER

The first line of a case is `// error: <how the one error begins>`, `// no error`, or `// link error: <what the linker
says>`. It is compiled with the options that nothing_is_wrong.cpp has in the build tree. Exit code 0: there is that
error, no other, and it is short enough to be read.
"""

import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

# Longest message that is still read; without the folders that every path begins with. In a branch of split() the
# compiler tells the way to it as well.
LONGEST_BYTES = 3000
ERROR = re.compile(r"^[^\s:]+:\d+:\d+: (?:fatal )?error: (.*)$", re.MULTILINE)
# What g++ puts before the sentence.
PREAMBLE = re.compile(
    r"static assertion failed: |call to non-'constexpr' function '(?:[\w ]+ )?cloudflow::")


def options_of(tree: pathlib.Path, compiler: str) -> list[str]:
    for entry in json.loads((tree / "compile_commands.json").read_text()):
        if entry["file"].endswith("/compile_errors/cases/nothing_is_wrong.cpp"):
            words = shlex.split(entry["command"])
            return words[words.index(compiler) + 1:words.index("-o")]
    sys.exit(f"{tree}/compile_commands.json does not know nothing_is_wrong.cpp: configure the tree again")


def compile_case(case: pathlib.Path, tree: pathlib.Path, compiler: str, links: bool) -> tuple[bool, str]:
    what = ["-o", os.devnull] if links else ["-fsyntax-only"]
    command = [compiler, *options_of(tree, compiler), *what, "-fdiagnostics-color=never", case.name]
    done = subprocess.run(command, cwd=case.parent, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})
    repository = case.parents[3].as_posix() + "/"
    return done.returncode == 0, done.stderr.replace(repository, "")


def judge(wanted: str, compiles: bool, output: str) -> str:
    """What is wrong; empty: nothing."""
    errors = [PREAMBLE.sub("", text, count=1) for text in ERROR.findall(output)]
    if wanted == "no error":
        return "" if compiles and not output else f"has to compile without a word, but:\n{output}"
    if wanted.startswith("link error: "):
        sentence = wanted.removeprefix("link error: ")
        return "" if not compiles and sentence in output else f"wanted from the linker: {sentence}\n{output}"
    sentence = wanted.removeprefix("error: ")
    if compiles:
        return f"compiles; wanted the error: {sentence}"
    if len(errors) != 1:
        return f"wanted one error, found {len(errors)}:\n{output}"
    if not errors[0].startswith(sentence):
        return f"wanted: {sentence}\nfound:  {errors[0]}\n{output}"
    if len(output.encode()) > LONGEST_BYTES:
        return f"the message has {len(output.encode())} bytes, more than {LONGEST_BYTES}:\n{output}"
    return ""


def main() -> int:
    case, tree, compiler = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]), sys.argv[3]
    wanted = case.read_text().splitlines()[0].removeprefix("// ")
    if wanted != "no error" and not wanted.startswith(("error: ", "link error: ")):
        print(f"{case.name}:1: begins with none of `// error: `, `// link error: ` and `// no error`")
        return 1
    compiles, output = compile_case(case, tree, compiler, wanted.startswith("link error: "))
    problem = judge(wanted, compiles, output)
    print(f"{case.stem}: {problem}" if problem else f"{case.stem}: {len(output.encode())} bytes")
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main())
