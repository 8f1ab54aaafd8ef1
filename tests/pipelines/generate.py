#!/usr/bin/env python3
"""Writes a streamlet for every ordered pair of operators, and the same pairs as data for the model.

usage: generate.py REFUSALS DIRECTORY [--list] [--only PAIR]

DIRECTORY gets `pipelines_N.cpp`, as many as there are in FILES, and `all_pipelines.cpp`. Pairs that
stand in REFUSALS are left out: the compiler refuses them (check_refusals.py proves it).
"""
import pathlib
import sys

FILES = 16
MIDDLES = ["map", "map-function", "map-outlet", "map-letter", "filter", "flat-map", "owned",
           "expand", "event-time", "fold", "distinct", "window", "window-late", "also-to",
           "split-functions"]
ENDS = ["to", "split-outlets", "for-each"]
SOURCES = ["inlet", "source"]


class Streamlet:
    """The members and the text of one pipeline, and the operators as data."""

    def __init__(self, name, source):
        self.name = name
        self.source = source
        self.members = []
        self.outlets = []
        self.record = "item"
        self.expands = 0
        self.is_view = source == "inlet"

    def outlet(self, name, record):
        key = "&refusal::key" if record == "refusal" else f"&{record}::key"
        self.members.append(f'outlet<{record}> {name.replace("-", "_")}{{"{name}", key({key})}};')
        self.outlets.append((name, record))
        return name.replace("-", "_")

    def state(self, stage, record):
        self.members.append(f'state<{record}> s{stage}{{"s{stage}"}};')
        return f"s{stage}"

    def apply(self, op, n, rest):
        """Text and data of `op` as stage n; `rest` is what follows it: for split-functions."""
        port, branch = "", []
        if op == "map":
            text = f".map(mapping{{{n}}})"
            self.record = "item"
        elif op == "map-function":
            text = f".map(refusing{{{n}}}).on_error<refusal>(noting{{{n}}})"
            self.record, port = "item", "function"
        elif op == "map-outlet":
            port = f"refused-{n}"
            text = f".map(refusing{{{n}}}).on_error<refusal>({self.outlet(port, 'refusal')})"
            self.record = "item"
        elif op == "map-letter":
            text = f".map(refusing_with_reason{{{n}}}).on_error<refused_item>(dead_letter)"
            self.record, port = "item", "letter"
        elif op == "filter":
            text = f".filter(keeping{{{n}}})"
        elif op == "flat-map":
            text = f".flat_map(multiplying{{{n}}})"
            self.record = "item"
        elif op == "owned":
            text = ".owned()"
        elif op == "expand":
            port = "function" if self.source == "source" or n % 2 == 1 else "letter"
            handler = f"noting{{{n}}}" if port == "function" else "dead_letter"
            text = (f".expand({self.state(n, 'std::int64_t')}, parts{{{n}}}, patience)"
                    f".on_error<away>({handler})")
            self.record = "item"
        elif op == "event-time":
            text = f".event_time(at_time{{{n}}}, bound())"
        elif op == "fold":
            text = f".key_by(by_key{{{n}}}).fold({self.state(n, 'total')}, folding{{{n}}})"
            self.record = "folded"
        elif op == "distinct":
            text = f".key_by(by_id{{{n}}}).distinct({self.state(n, 'timestamp')})"
        elif op == "window":
            text = (f".key_by(by_key{{{n}}}).window(tumbling{{60s}})"
                    f".fold({self.state(n, 'total')}, counting{{{n}}})")
            self.record = "counted"
        elif op == "window-late":
            port = f"late-{n}"
            late = self.outlet(port, self.record)
            text = (f".key_by(by_key{{{n}}}).window(tumbling{{60s}}).lateness(late_by())"
                    f".late_to({late}).fold({self.state(n, 'total')}, counting{{{n}}})")
            self.record = "counted"
        elif op == "also-to":
            port = f"also-{n}"
            text = f".also_to({self.outlet(port, self.record)})"
        elif op == "to":
            port = "out"
            text = f".to({self.outlet(port, self.record)})"
        elif op == "for-each":
            text = f".for_each(doing{{{n}}})"
        elif op == "split-outlets":
            port = f"left-{n},right-{n}"
            left, right = self.outlet(f"left-{n}", "item"), self.outlet(f"right-{n}", "item")
            text = f".map(sorting{{{n}}}).split({left}, {right})"
        elif op == "split-functions":
            port = f"right-{n}"
            self.record = "item"
            right = self.outlet(port, "item")
            inner, branch = self.chain(rest, n + 1)
            inner = inner.replace(".on_error<", ".template on_error<")
            text = (f".map(sorting{{{n}}}).split([&](auto a{n}) {{ return a{n}{inner}; }}, "
                    f"[&](auto b{n}) {{ return b{n}.filter(keeping{{0}}).to({right}); }})")
        return text, (op, n, port, branch)

    def chain(self, ops, first):
        texts, data = [], []
        for i, op in enumerate(ops):
            text, entry = self.apply(op, first + i, ops[i + 1:])
            texts.append(text)
            data.append(entry)
            if op == "split-functions":
                break
        return "".join(texts), data


def pairs():
    for source in SOURCES:
        for second in MIDDLES + ENDS:
            yield (source, second)
    for first in MIDDLES:
        for second in MIDDLES + ENDS:
            yield (first, second)


def streamlet(pair):
    """`event-time` stands in front where a window needs it."""
    first, second = pair
    source = first if first in SOURCES else "inlet"
    ops = [op for op in pair if op not in SOURCES]
    if ops[-1] not in ENDS:
        ops.append("to")
    s = Streamlet("_".join(pair).replace("-", "_"), source)
    texts, data = [], []
    windows = [i for i, op in enumerate(ops) if op.startswith("window")]
    if windows and "event-time" not in ops[:windows[0]]:
        text, entry = s.apply("event-time", 0, [])
        texts.append(text)
        data.append(entry)
    text, entries = s.chain(ops, 1)
    texts.append(text)
    s.text = ("from(in)" if source == "inlet" else "from_clients()") + "".join(texts)
    s.data = data + entries
    s.pair = "+".join(pair)
    return s


def definition(s):
    inlet = '  inlet<item> in{"in"};\n' if s.source == "inlet" else ""
    members = "".join(f"  {m}\n" for m in s.members)
    return (f"struct {s.name} {{\n{inlet}{members}"
            f"  auto logic() const {{\n    return {s.text};\n  }}\n}};\n")


def op_text(entry):
    name, stage, port, branch = entry
    inner = ", ".join(op_text(b) for b in branch)
    return f'{{"{name}", {stage}, "{port}", {{{inner}}}}}'


def entry_text(s):
    ops = ", ".join(op_text(d) for d in s.data)
    outlets = ", ".join(f'{{"{n}", &read_row<{r}>}}' for n, r in s.outlets)
    is_source = "true" if s.source == "source" else "false"
    return (f'  all.push_back({{"{s.pair}", R"({s.text})", {is_source},\n    {{{ops}}},\n'
            f"    {{{outlets}}}, &definition_of<{s.name}>}});\n")


def write(path, text):
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def refused(path):
    lines = pathlib.Path(path).read_text().splitlines()
    return {line.split("|")[0].strip() for line in lines if line.strip() and line[0] != "#"}


def main():
    arguments = sys.argv[1:]
    if "--only" in arguments:
        pair = tuple(arguments[arguments.index("--only") + 1].split("+"))
        s = streamlet(pair)
        print('#include "authors.hpp"\nnamespace cloudflow::pipelines {\n' + definition(s) +
              f"const streamlet_definition& it() {{ return definition_of<{s.name}>(); }}\n}}")
        return
    skipped = refused(arguments[0])
    all_streamlets = [streamlet(p) for p in pairs() if "+".join(p) not in skipped]
    if "--list" in arguments:
        for p in pairs():
            print("+".join(p), "refused" if "+".join(p) in skipped else "")
        return
    directory = pathlib.Path(arguments[1])
    directory.mkdir(parents=True, exist_ok=True)
    size = -(-len(all_streamlets) // FILES)
    for f in range(FILES):
        mine = all_streamlets[f * size:(f + 1) * size]
        write(directory / f"pipelines_{f}.cpp",
              '// Generated by tests/pipelines/generate.py.\n#include "authors.hpp"\n\n'
              "namespace cloudflow::pipelines {\nnamespace {\n" +
              "\n".join(definition(s) for s in mine) + "}  // namespace\n\n"
              f"void add_{f}(std::vector<pipeline>& all) {{\n" +
              "".join(entry_text(s) for s in mine) + "}\n}  // namespace cloudflow::pipelines\n")
    write(directory / "all_pipelines.cpp",
          '// Generated by tests/pipelines/generate.py.\n#include "pipeline.hpp"\n\n'
          "#include <algorithm>\n\nnamespace cloudflow::pipelines {\n" +
          "".join(f"void add_{f}(std::vector<pipeline>& all);\n" for f in range(FILES)) +
          "const std::vector<pipeline>& all_pipelines() {\n"
          "  static const auto all = [] {\n    std::vector<pipeline> v;\n" +
          "".join(f"    add_{f}(v);\n" for f in range(FILES)) +
          "    std::sort(v.begin(), v.end(), [](auto& a, auto& b) { return a.name < b.name; });\n"
          "    return v;\n  }();\n  return all;\n}\n}  // namespace cloudflow::pipelines\n")


if __name__ == "__main__":
    main()
