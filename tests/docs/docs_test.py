"""Compares the documents with the tree that they speak of.

usage: docs_test.py REPOSITORY

  1. Relative links lead to files that exist, and to headings that exist.
  2. A code block below `<!-- from PATH -->` is that file, word for word.
  3. The application that README.md quotes from examples/filter has at most 40 lines, all its files together.
  4. Files that ARCHITECTURE.md names in backticks exist, in the repository or in src/cloudflow.
  5. `./dev` commands that a document names exist.
  6. Where ARCHITECTURE.md has `symbol` (`file`), the file has the symbol.
  7. The listings in the READMEs of modules are those of tests/docs/listings.cpp, which the build compiles.

Prints `file:line: what is wrong` for each break; exit code 1 when there is one.
"""

import pathlib
import re
import sys

MOST_LINES = 40
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
QUOTE = re.compile(r"<!-- from (\S+) -->\n+```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
NAMED_FILE = re.compile(r"`([\w./-]+\.(?:hpp|cpp|cmake|py|toml|md|conf|txt|in))`")
DEV_COMMAND = re.compile(r"(?<![\w/.])\./dev ([a-z]+)")
SYMBOL = re.compile(r"`([\w:]+)(?:<T>|\(\))?` \((?:in )?`([\w./-]+\.(?:hpp|cpp))`\)|`([\w./-]+\.(?:hpp|cpp))`, `([\w:]+)(?:<T>|\(\))?`")
LISTING = re.compile(r"^```cpp\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMPILED = re.compile(r"^ *// from (\S+)\n(.*?)^ *// end$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ +(.*)$", re.MULTILINE)


def anchor_of(heading: str) -> str:
    """As GitHub makes it: lower case, no punctuation, hyphens for spaces."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def line_of(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def without_code(text: str) -> str:
    """Code blocks emptied; what is left keeps its line."""
    return FENCED.sub(lambda block: "\n" * block[0].count("\n"), text)


def check_links(document: pathlib.Path, text: str):
    prose = without_code(text)
    for link in LINK.finditer(prose):
        target, _, anchor = link[1].partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        file = (document.parent / target).resolve() if target else document
        if not file.exists():
            yield line_of(prose, link.start()), f"the link {link[1]} leads nowhere"
        elif anchor and anchor not in map(anchor_of, HEADING.findall(without_code(file.read_text()))):
            yield line_of(prose, link.start()), f"the link {link[1]} names no heading of its file"


def check_quotes(repository: pathlib.Path, text: str):
    for quote in QUOTE.finditer(text):
        file = repository / quote[1]
        if not file.exists():
            yield line_of(text, quote.start()), f"{quote[1]} does not exist"
        elif file.read_text() != quote[2]:
            yield line_of(text, quote.start()), f"the block differs from {quote[1]}: copy the file into it"


def check_filter(repository: pathlib.Path, text: str):
    folder = repository / "examples" / "filter"
    files = sorted(f.relative_to(repository).as_posix() for f in folder.rglob("*") if f.is_file())
    quoted = {quote[1] for quote in QUOTE.finditer(text)}
    for file in files:
        if file not in quoted:
            yield 1, f"does not quote {file}"
    lines = sum(len((repository / f).read_text().splitlines()) for f in files)
    if not files or lines > MOST_LINES:
        yield 1, f"the application in examples/filter has {lines} lines, more than {MOST_LINES}"


def check_named_files(repository: pathlib.Path, text: str):
    for name in NAMED_FILE.finditer(text):
        if not any((root / name[1]).exists() for root in (repository, repository / "src" / "cloudflow")):
            yield line_of(text, name.start()), f"there is no file {name[1]}"


def check_symbols(repository: pathlib.Path, text: str):
    for found in SYMBOL.finditer(text):
        file, symbol = found[2] or found[3], (found[1] or found[4]).split("::")[-1]
        path = repository / "src" / "cloudflow" / file
        if path.exists() and not re.search(rf"\b{symbol}\b", path.read_text()):
            yield line_of(text, found.start()), f"{file} has no {symbol}"


def check_listings(folder: str, text: str, compiled: list[tuple[str, str]]):
    """Word for word, but for the space between the words: the README's lines are longer or shorter."""
    mine = ["".join(listing.split()) for of, listing in compiled if of == folder]
    for listing in LISTING.finditer(text):
        if "".join(listing[1].split()) not in mine:
            yield line_of(text, listing.start()), f"the listing is not in tests/docs/listings.cpp, \"from {folder}\""


def check_commands(repository: pathlib.Path, text: str):
    for command in DEV_COMMAND.finditer(text):
        if not (repository / "tools" / "commands" / command[1]).exists():
            yield line_of(text, command.start()), f"there is no command ./dev {command[1]}"


def check(repository: pathlib.Path) -> list[str]:
    found = []
    listings = repository / "tests" / "docs" / "listings.cpp"
    compiled = COMPILED.findall(listings.read_text()) if listings.exists() else []
    documents = [f for f in repository.rglob("*.md")
                 if not {"build", ".git"} & set(f.relative_to(repository).parts)]
    for document in sorted(documents):
        text = document.read_text()
        problems = [*check_links(document, text), *check_quotes(repository, text), *check_commands(repository, text)]
        name = document.relative_to(repository).as_posix()
        if name == "README.md":
            problems += check_filter(repository, text)
        if name == "ARCHITECTURE.md":
            problems += [*check_named_files(repository, text), *check_symbols(repository, text)]
        if name.startswith("src/cloudflow/"):
            problems += check_listings(name.removesuffix("/README.md"), text, compiled)
        found += [f"{name}:{line}: {what}" for line, what in problems]
    for needed in ("README.md", "ARCHITECTURE.md"):
        if not (repository / needed).exists():
            found.append(f"{needed}:1: is missing")
    return found


if __name__ == "__main__":
    problems = check(pathlib.Path(sys.argv[1]).resolve())
    print(*problems, sep="\n", end="\n" if problems else "")
    sys.exit(1 if problems else 0)
