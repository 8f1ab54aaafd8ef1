"""Checks the form of the modules of src/cloudflow.

usage: modules.py REPOSITORY

  1. Every module (folder with a CMakeLists.txt) has a README.md.
  2. A header that others may include (none of a test program) does not include one from an internal/ folder.
  3. Headers have #pragma once.
  4. No C++ file is longer than 600 lines.
  5. Every source of a module stands in its CMakeLists.txt, so that none is left out of the build unnoticed.
  6. No line of C++ is longer than 100 columns, comments included; but for raw strings.

Prints `file:line: what, and what to do` for each break; exit code 1 when there is one.
"""

import pathlib
import re
import sys

LONGEST = 600
COLUMNS = 100
RAW_STRING = re.compile(r'R"([^\s()\\]{0,16})\(.*?\)\1"', re.DOTALL)
INTERNAL = re.compile(r'^\s*#\s*include\s+[<"]([^>"]*\binternal/[^>"]*)[>"]')
FOUND_BY_SUFFIX = (".test.cpp", ".bench.cpp", ".fuzz.cpp")


def check_readmes(source: pathlib.Path):
    for file in sorted(source.glob("*/**/CMakeLists.txt")):
        if not (file.parent / "README.md").exists():
            yield file.parent, 1, "a module has a README.md: purpose, place, main types, one example"


def check_header(file: pathlib.Path, lines: list[str]):
    if "#pragma once" not in lines:
        yield file, 1, "a header has #pragma once"
    if "internal" in file.parts or file.name.endswith(".test.hpp"):  # a part of a test program
        return
    for number, line in enumerate(lines, 1):
        if match := INTERNAL.match(line):
            yield file, number, f"{match[1]} is for .cpp files only; move what is needed here to detail/"


def check_columns(file: pathlib.Path, text: str):
    without = RAW_STRING.sub(lambda raw: "\n" * raw[0].count("\n"), text)
    for number, line in enumerate(without.splitlines(), 1):
        if len(line) > COLUMNS:
            yield file, number, f"has {len(line)} columns; break it (at most {COLUMNS})"


def check_listed(file: pathlib.Path, source: pathlib.Path):
    folder = file.parent
    while folder != source and not (folder / "CMakeLists.txt").exists():
        folder = folder.parent
    if folder == source or file.name.endswith(FOUND_BY_SUFFIX) or "testdata" in file.parts:
        return
    path = file.relative_to(folder).as_posix()
    if not re.search(rf"(?<![\w/.]){re.escape(path)}(?![\w.])", (folder / "CMakeLists.txt").read_text()):
        yield file, 1, "is in no CMakeLists.txt: list it under SOURCES or remove it"


def check(repository: pathlib.Path) -> list[str]:
    source = repository / "src" / "cloudflow"
    found = list(check_readmes(source))
    for file in sorted(f for f in source.rglob("*") if f.suffix in (".hpp", ".cpp")):
        lines = file.read_text().splitlines()
        found += check_columns(file, file.read_text())
        if len(lines) > LONGEST:
            found.append((file, LONGEST, f"has {len(lines)} lines; split it (at most {LONGEST})"))
        if file.suffix == ".hpp":
            found += check_header(file, lines)
        else:
            found += check_listed(file, source)
    return [f"{file.relative_to(repository)}:{line}: {text}" for file, line, text in found]


if __name__ == "__main__":
    problems = check(pathlib.Path(sys.argv[1]).resolve())
    print(*problems, sep="\n", end="\n" if problems else "")
    sys.exit(1 if problems else 0)
