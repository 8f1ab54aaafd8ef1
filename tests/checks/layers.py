"""Checks that the modules of src/cloudflow keep to their layers: includes, and what CMakeLists.txt declares.

usage: layers.py REPOSITORY

Rules (the data is layers.toml):
  1. An include points to the own module or to a lower layer.
  2. What a module includes it also declares in its CMakeLists.txt, itself or through a PUBLIC library.
  3. Declared libraries point down as well.
  4. A backend is named only where programs are put together.
  5. A third-party header appears only in the modules that wrap it.
Tests and benchmarks may name backends and third-party headers freely; upwards they may not look either, but for what
`test_reach` says.

Prints `file:line: what, and what to do` for each break; exit code 1 when there is one.
"""

import pathlib
import re
import sys
import tomllib
from dataclasses import dataclass, field
from fnmatch import fnmatch

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')
DECLARATION = re.compile(r"cloudflow_module\(\s*(\w+)(.*?)\)", re.DOTALL)
KEYWORDS = {"SOURCES", "PUBLIC", "PRIVATE", "TEST_LIBS", "CONCURRENT", "KAFKA"}
TEST_SUFFIXES = (".test.cpp", ".test.hpp", ".bench.cpp", ".fuzz.cpp")
STANDARD = re.compile(r"^[a-z_0-9]+$|^(?:sys|netinet|arpa)/[a-z_]+\.h$")


@dataclass
class Module:
    name: str
    line: int = 0
    public: set[str] = field(default_factory=set)
    private: set[str] = field(default_factory=set)
    test_libs: set[str] = field(default_factory=set)


class Layers:
    def __init__(self, repository: pathlib.Path):
        self.source = repository / "src" / "cloudflow"
        self.repository = repository
        rules = tomllib.loads((repository / "tests/checks/layers.toml").read_text())
        self.rank = {name: rank for rank, names in enumerate(rules["order"]) for name in names}
        self.libraries = {name.replace("/", "_"): name for name in self.rank} | rules["libraries"]
        self.only_for = rules["only_for"]
        self.third_party = rules["third_party"]
        self.test_support = rules["test_support"]
        self.test_reach = rules.get("test_reach", {})
        self.posix = set(rules["posix"])
        self.problems: list[str] = []
        self.modules: dict[str, Module] = {}

    def report(self, file: pathlib.Path, line: int, text: str) -> None:
        self.problems.append(f"{file.relative_to(self.repository)}:{line}: {text}")

    def module_of(self, path: pathlib.PurePath) -> str | None:
        """The longest prefix of a path below src/cloudflow that is a module in layers.toml."""
        parts = path.parts[:-1]
        for length in range(len(parts), 0, -1):
            name = "/".join(parts[:length])
            if name in self.rank:
                return name
        return None

    # -- what CMake declares --------------------------------------------------------------------------------------

    def read_declarations(self) -> None:
        for file in sorted(self.source.rglob("CMakeLists.txt")):
            if file.parent == self.source:
                continue
            text = re.sub(r"#.*", "", file.read_text())
            for match in DECLARATION.finditer(text):
                line = text.count("\n", 0, match.start()) + 1
                self.read_declaration(file, line, match)
        for module in self.modules.values():
            self.check_declaration(module)

    def read_declaration(self, file: pathlib.Path, line: int, match: re.Match) -> None:
        name = file.parent.relative_to(self.source).as_posix()
        if name not in self.rank:
            self.report(file, line, f"module {name} has no layer; add it to tests/checks/layers.toml and ARCHITECTURE.md")
            return
        if match[1] != name.replace("/", "_"):
            self.report(file, line, f"the module in {name}/ is called {match[1]}; expected {name.replace('/', '_')}")
        module = self.modules[name] = Module(name, line)
        lists = {"PUBLIC": module.public, "PRIVATE": module.private, "TEST_LIBS": module.test_libs}
        into: set[str] | None = None
        for word in match[2].split():
            if word in KEYWORDS:
                into = lists.get(word)
            elif into is not None and word.startswith("cloudflow::"):
                library = word.removeprefix("cloudflow::")
                into.add(self.libraries.get(library, library))

    def check_declaration(self, module: Module) -> None:
        file = self.source / module.name / "CMakeLists.txt"
        for library in sorted(module.public | module.private | module.test_libs):
            if library == module.name:
                continue
            if library not in self.rank:
                self.report(file, module.line, f"cloudflow::{library} is no module of tests/checks/layers.toml")
            elif library in module.test_libs and library in self.test_reach.get(module.name, ()):
                continue
            elif self.rank[library] >= self.rank[module.name]:
                self.report(file, module.line, f"{module.name} may not link {library}, which is no lower layer")
            elif library not in module.test_libs:
                self.check_backend(file, module.line, module.name, library)

    def declared_by(self, module: Module, test: bool) -> set[str]:
        """What the sources of a module can reach: its own list, then PUBLIC ones from there."""
        waiting = module.public | module.private | (module.test_libs if test else set())
        reached: set[str] = set()
        while waiting:
            name = waiting.pop()
            if name not in reached:
                reached.add(name)
                waiting |= self.modules[name].public if name in self.modules else set()
        return reached

    # -- what the sources include ---------------------------------------------------------------------------------

    def check_sources(self) -> None:
        for file in sorted(f for f in self.source.rglob("*") if f.suffix in (".hpp", ".cpp")):
            if "testdata" in file.parts:
                continue
            owner = self.module_of(file.relative_to(self.source))
            if owner is None:
                self.report(file, 1, "belongs to no module of tests/checks/layers.toml; add its folder there and in ARCHITECTURE.md")
                continue
            for number, line in enumerate(file.read_text().splitlines(), 1):
                if match := INCLUDE.match(line):
                    self.check_include(file, number, owner, match[1], match[2])

    def is_test(self, file: pathlib.Path) -> bool:
        path = file.relative_to(self.source).as_posix()
        return file.name.endswith(TEST_SUFFIXES) or any(fnmatch(path, pattern) for pattern in self.test_support)

    def check_include(self, file: pathlib.Path, line: int, owner: str, bracket: str, path: str) -> None:
        test = self.is_test(file)
        if path.startswith("cloudflow/"):
            self.check_own(file, line, owner, path, test)
        elif bracket == "<" and not test and not STANDARD.match(path) and path not in self.posix:
            self.check_third_party(file, line, owner, path)

    def check_own(self, file: pathlib.Path, line: int, owner: str, path: str, test: bool) -> None:
        used = self.module_of(pathlib.PurePath(path).relative_to("cloudflow"))
        if used is None:
            self.report(file, line, f"{path} belongs to no module of tests/checks/layers.toml")
        elif used == owner:
            return
        elif self.rank[used] >= self.rank[owner] and not (test and used in self.test_reach.get(owner, ())):
            self.report(file, line, f"{owner} may not include {path}: {used} is no lower layer")
        else:
            if not test:
                self.check_backend(file, line, owner, used)
            module = self.modules.get(owner)
            if module and used not in self.declared_by(module, test):
                self.report(file, line, f"{owner} includes {path} but its CMakeLists.txt does not name cloudflow::{used.replace('/', '_')}")

    def check_backend(self, file: pathlib.Path, line: int, owner: str, used: str) -> None:
        if used in self.only_for and owner not in self.only_for[used]:
            self.report(file, line, f"{owner} may not name the backend {used}; only {', '.join(self.only_for[used])} may")

    def check_third_party(self, file: pathlib.Path, line: int, owner: str, path: str) -> None:
        owners = next((names for prefix, names in self.third_party.items() if path.startswith(prefix)), None)
        if owners is None:
            self.report(file, line, f"<{path}> is not in tests/checks/layers.toml; decide which module wraps it")
        elif "*" not in owners and owner not in owners:
            self.report(file, line, f"{owner} may not include <{path}>; its wrapper is in {', '.join(owners)}")


def check(repository: pathlib.Path) -> list[str]:
    layers = Layers(repository)
    layers.read_declarations()
    layers.check_sources()
    return layers.problems


if __name__ == "__main__":
    found = check(pathlib.Path(sys.argv[1]).resolve())
    print(*found, sep="\n", end="\n" if found else "")
    sys.exit(1 if found else 0)
