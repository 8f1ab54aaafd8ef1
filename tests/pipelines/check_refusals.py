#!/usr/bin/env python3
"""Compiles the pairs of operators that are refused, and compares what the compiler says.

usage: check_refusals.py BUILD_TREE COMPILER

refusals.txt has a line for each: `pair | how the error begins | why no result would be right`.
Every one of them has to be refused with that sentence, and no more than a tenth of all pairs may be.
"""
import json
import pathlib
import shlex
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "compile_errors"))
import check  # noqa: E402

sys.path.insert(0, str(HERE))
import generate  # noqa: E402

MOST_REFUSED = 0.1


def options_of(tree, compiler):
    for entry in json.loads((tree / "compile_commands.json").read_text()):
        if entry["file"].endswith("/tests/pipelines/no_pairs.cpp"):
            words = shlex.split(entry["command"])
            options = words[words.index(compiler) + 1:words.index("-o")]
            at = options.index("-include") if "-include" in options else None
            return options if at is None else options[:at] + options[at + 2:]
    sys.exit(f"{tree}/compile_commands.json does not know no_pairs.cpp: configure the tree again")


def refusals():
    for line in (HERE / "refusals.txt").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            pair, sentence, reason = (part.strip() for part in line.split("|"))
            yield pair, sentence, reason


def problem_of(pair, sentence, tree, compiler):
    source = subprocess.run([sys.executable, HERE / "generate.py", "--only", pair],
                            capture_output=True, text=True, check=True).stdout
    command = [compiler, *options_of(tree, compiler), "-fsyntax-only", "-fdiagnostics-color=never",
               "-x", "c++", "-"]
    done = subprocess.run(command, cwd=HERE, input=source, capture_output=True, text=True)
    errors = [check.PREAMBLE.sub("", text, count=1) for text in check.ERROR.findall(done.stderr)]
    if done.returncode == 0:
        return "it compiles"
    if len(errors) != 1 or not errors[0].startswith(sentence):
        return "found: " + "\n  ".join(errors)
    return ""


def main():
    tree, compiler = pathlib.Path(sys.argv[1]), sys.argv[2]
    all_refusals = list(refusals())
    count = len(list(generate.pairs()))
    failed = False
    if len(all_refusals) > MOST_REFUSED * count:
        print(f"{len(all_refusals)} of {count} pairs are refused, more than a tenth")
        failed = True
    for pair, sentence, reason in all_refusals:
        problem = problem_of(pair, sentence, tree, compiler)
        if not problem and not reason:
            problem = "no reason stands there"
        if problem:
            print(f"{pair}: wanted: {sentence}\n  {problem}")
            failed = True
    print(f"{count} pairs, {len(all_refusals)} of them refused")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
