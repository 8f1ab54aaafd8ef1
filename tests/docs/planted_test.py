"""Plants a break of every kind in a small repository and expects docs_test.py to find each, and nothing more."""

import pathlib
import sys
import tempfile

import docs_test

README = """# Title

[here](docs/there.md#a-heading) [gone](docs/gone.md) [no heading](docs/there.md#other) [far](https://example.org)

<!-- from examples/filter/main.cpp -->
```cpp
int main() { return 1; }
```

<!-- from examples/filter/blueprint.conf -->
```
blueprint {}
```

`./dev demo` and `./dev fly`
"""
ARCHITECTURE = "`flow/stream.hpp` and `flow/nothing.hpp`, `here` (`flow/stream.hpp`), `gone` (`flow/stream.hpp`)\n"
MODULE = "```cpp\nint  one();\n```\n\n```cpp\nint two();\n```\n"
LISTINGS = "// from src/cloudflow/flow\nint one();\n// end\n"
WANTED = [
    "ARCHITECTURE.md:1: there is no file flow/nothing.hpp",
    "ARCHITECTURE.md:1: flow/stream.hpp has no gone",
    "README.md:3: the link docs/gone.md leads nowhere",
    "README.md:3: the link docs/there.md#other names no heading of its file",
    "README.md:5: the block differs from examples/filter/main.cpp: copy the file into it",
    "README.md:15: there is no command ./dev fly",
    "README.md:1: does not quote examples/filter/long.cpp",
    "README.md:1: the application in examples/filter has 42 lines, more than 40",
    'src/cloudflow/flow/README.md:5: the listing is not in tests/docs/listings.cpp, "from src/cloudflow/flow"',
]


def write(file: pathlib.Path, text: str):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def main() -> int:
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory)
        write(root / "README.md", README)
        write(root / "ARCHITECTURE.md", ARCHITECTURE)
        write(root / "docs" / "there.md", "## A heading\n")
        write(root / "src" / "cloudflow" / "flow" / "stream.hpp", "int here;\n")
        write(root / "src" / "cloudflow" / "flow" / "README.md", MODULE)
        write(root / "tests" / "docs" / "listings.cpp", LISTINGS)
        write(root / "tools" / "commands" / "demo", "")
        write(root / "examples" / "filter" / "main.cpp", "int main() { return 0; }\n")
        write(root / "examples" / "filter" / "blueprint.conf", "blueprint {}\n")
        write(root / "examples" / "filter" / "long.cpp", "\n" * 40)
        found = docs_test.check(root)
    if found != WANTED:
        print("wanted:", *WANTED, "found:", *found, sep="\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
