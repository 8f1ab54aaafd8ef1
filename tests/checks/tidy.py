"""Runs clang-tidy over the files of a build tree, several at a time, and remembers the clean ones.

Most of the time goes into the headers below a file, so sources that the tree compiles as one are looked at as one.

usage: tidy.py --build TREE [-j N] [--changed-since COMMIT] [--checks CHECKS] [--tests] [FILE...]

A file is clean while it, the project's headers below it, its compile command, .clang-tidy and clang-tidy's version
stay the same; then it is not looked at again (cache: $XDG_CACHE_HOME/cloudflow/tidy, by content, shared by clones).
--checks replaces those of .clang-tidy. --changed-since looks only at files that differ from COMMIT, themselves or in a header below them.
"""

import argparse
import concurrent.futures
import functools
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import time

TIDY = "clang-tidy-16"
INCLUDE = re.compile(rb'^\s*#\s*include\s+[<"]([^>"]+)[>"]', re.MULTILINE)
TOGETHER = re.compile(r"/Unity/unity_\d+_cxx\.cxx$")  # CMake's: a few lines that include sources
ALONE = re.compile(r"_alone\.dir/")  # what target check_alone compiles once more
TESTS = re.compile(r"\.(test|bench|fuzz)\.cpp$")
ROOT = pathlib.Path(__file__).resolve().parents[2]


@functools.cache
def content(file: str) -> bytes:
    return pathlib.Path(file).read_bytes()


@functools.cache
def included_by(file: str, folders: tuple[str, ...]) -> tuple[str, ...]:
    """Files of the project (sources and generated ones, not those of packages) that a file includes directly."""
    found = []
    for name in INCLUDE.findall(content(file)):
        for folder in (os.path.dirname(file), *folders):
            path = os.path.normpath(os.path.join(folder, name.decode()))
            if not path.startswith("/usr/") and os.path.isfile(path):
                found.append(path)
                break
    return tuple(found)


def below(file: str, folders: tuple[str, ...]) -> list[str]:
    """The file and every file of the project that it includes, directly or not, in a fixed order."""
    seen, waiting = {file}, [file]
    while waiting:
        for path in included_by(waiting.pop(), folders):
            if path not in seen:
                seen.add(path)
                waiting.append(path)
    return sorted(seen)


class Unit:
    """One entry of compile_commands.json: a source, or several that are compiled as one."""

    def __init__(self, entry: dict):
        self.file = os.path.normpath(os.path.join(entry["directory"], entry["file"]))
        self.command = entry["command"]
        self.sources = [self.file]
        if TOGETHER.search(self.file):
            self.sources = [name.decode() for name in INCLUDE.findall(content(self.file))]
        words = shlex.split(self.command)
        joined = [w[2:] for w in words if w.startswith("-I") and len(w) > 2]
        apart = [words[i + 1] for i, w in enumerate(words[:-1]) if w in ("-I", "-isystem")]
        self.files = below(self.file, tuple(joined + apart))

    def key(self, common: bytes) -> str:
        digest = hashlib.sha256(common)
        digest.update(self.command.replace(str(ROOT), ".").encode())
        for file in self.files:
            digest.update(os.path.relpath(file, ROOT).encode() + b"\0" + content(file).replace(bytes(ROOT), b"."))
        return digest.hexdigest()


def units_of(tree: pathlib.Path, only: list[str], tests: bool) -> list[Unit]:
    """Those with a source that is not generated, in a fixed order; of tests only when asked for."""
    entries = {}
    for entry in json.loads((tree / "compile_commands.json").read_text()):
        if not ALONE.search(entry["command"]):
            entries.setdefault(entry["file"], entry)
    units = [Unit(entries[file]) for file in sorted(entries)]
    generated = str(tree.resolve()) + "/"

    def is_wanted(source: str) -> bool:
        if only:
            return source in only
        return not source.startswith(generated) and (tests or not TESTS.search(source))
    return [u for u in units if any(map(is_wanted, u.sources))]


def changed_since(commit: str) -> set[str]:
    def lines(*command: str) -> list[str]:
        return subprocess.run(["git", *command], cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    names = lines("diff", "--name-only", commit) + lines("ls-files", "--others", "--exclude-standard")
    return {str(ROOT / name) for name in names}


def tidy(unit: Unit, tree: pathlib.Path, checks: str) -> tuple[bool, str]:
    command = [TIDY, f"--config-file={ROOT}/.clang-tidy", "-p", str(tree), "--quiet", unit.file]
    if checks:
        command.append(f"--checks=-*,{checks}")
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    # Findings stand on stdout; stderr says how many warnings of other headers were left out.
    text = run.stdout.strip() or (run.stderr.strip() if run.returncode else "")
    return run.returncode == 0, text.replace(str(ROOT) + "/", "")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("-j", type=int, default=os.cpu_count())
    parser.add_argument("--changed-since")
    parser.add_argument("--checks", default="")
    parser.add_argument("--tests", action="store_true", help="tests, benchmarks and fuzz targets too")
    parser.add_argument("files", nargs="*")
    options = parser.parse_args()

    units = units_of(options.build, [str(pathlib.Path(f).resolve()) for f in options.files], options.tests)
    if not units:
        print("clang-tidy: nothing to look at: is the tree configured?", file=sys.stderr)
        return 1
    known = len(units)
    if options.changed_since:
        changed = changed_since(options.changed_since)
        units = [u for u in units if changed.intersection(u.files)]

    version = subprocess.run([TIDY, "--version"], capture_output=True, check=True).stdout
    common = version + (ROOT / ".clang-tidy").read_bytes() + options.checks.encode()
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "cloudflow" / "tidy"
    cache.mkdir(parents=True, exist_ok=True)
    todo = [(u, cache / u.key(common)) for u in units]
    todo = [(u, mark) for u, mark in todo if not mark.exists()]
    print(f"    {known} files, {len(units)} to consider, {len(units) - len(todo)} known to be clean", flush=True)

    dirty, started, shown = 0, time.monotonic(), time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(options.j) as pool:
        runs = {pool.submit(tidy, unit, options.build, options.checks): (unit, mark) for unit, mark in todo}
        for done, run in enumerate(concurrent.futures.as_completed(runs), 1):
            clean, text = run.result()
            if clean:
                runs[run][1].touch()
            else:
                dirty += 1
                print(text, flush=True)
            if time.monotonic() - shown >= 20:
                shown = time.monotonic()
                print(f"    {done}/{len(todo)}, {shown - started:.0f} s", flush=True)
    if todo:
        print(f"    {len(todo)} files in {time.monotonic() - started:.0f} s, {dirty} with findings")
    return 1 if dirty else 0


if __name__ == "__main__":
    sys.exit(main())
