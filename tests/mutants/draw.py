#!/usr/bin/env python3
"""Draws changes of production code that some test should notice: one for each line of the output.

usage: draw.py [--seed N] [--count N] [--only MODULE] [--kind KIND]

Each is `MODULE<tab>KIND<tab>FILE<tab>LINE<tab>BEFORE<tab>AFTER`: the text of one line and what becomes of it. They are
drawn by the seed from all lines of the kinds below, the same number of each module in turn, so that the list can be
fixed before anybody writes a test for it (drawn.tsv).
"""

import argparse
import pathlib
import random
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODULES = ("flow", "state", "runtime", "application", "operate", "pubsub", "pubsub/embedded", "pubsub/simulated")
ELSEWHERE = ("schema", "config", "blueprint", "connect/http", "connect/mail", "connect/files", "testkit")

CALL = r"^(\s+)[a-z_][\w.>-]*\((?:[^()]|\([^()]*\))*\);$"
KINDS = {
    "comparison": [
        (r"(?<=[\w)\]] )<(?= [\w(*])", "<="), (r"(?<=[\w)\]] )<=(?= [\w(*])", "<"),
        (r"(?<=[\w)\]] )>(?= [\w(*])", ">="), (r"(?<=[\w)\]] )>=(?= [\w(*])", ">"),
        (r"(?<=[\w)\]] )==(?= )", "!="), (r"(?<=[\w)\]] )!=(?= )", "=="),
    ],
    "bound": [(r"(?<=[\w)]) \+ 1(?=\b)", ""), (r"(?<=[\w)]) - 1(?=\b)", ""),
              (r"std::max(?=[(<])", "std::min"), (r"std::min(?=[(<])", "std::max")],
    "sign": [(r" && ", " || "), (r" \|\| ", " && "), (r"(?<=[( ])!(?=[a-z(*])", "")],
    "omitted call": [(CALL, r"\1;")],
    "swallowed error": [(r"^(\s+)(?:if \(.*\) )?return (?:error\{|std::move\(\w+\)\.error\(\)|\w+\.error\(\)).*;$", r"\1;"),
                        (r"^(\s+)if \(.*\) throw .*;$", r"\1;"), (r"^(\s+)CLOUDFLOW_TRY\((.*)\);$", r"\1(void)\2;")],
    "unsynced write": [(r"\bsync = true\b", "sync = false"), (r"\bsync = (?!true|false)[\w.]+", "sync = false")],
    "counter": [(r"\+\+(?=[a-z(])", ""), (r" \+= ", " -= "), (r"task_metrics::add\(.*\);", ";")],
}


def sources(module):
    folder = ROOT / "src/cloudflow" / module
    files = [*folder.glob("*.[ch]pp"), *(folder / "internal").glob("*.[ch]pp")]
    return sorted(f for f in files if not re.search(r"\.(test|bench|fuzz)\.|fixture|conformance|damage|faulty|_test_", f.name))


def candidates(module):
    for file in sources(module):
        for number, line in enumerate(file.read_text().splitlines(), 1):
            code = line.split("//")[0].rstrip()
            if not code or code.lstrip().startswith(("#", "template", "static_assert", "CLOUDFLOW_ASSERT", "*", "concept")):
                continue
            for kind, changes in KINDS.items():
                for pattern, after in changes:
                    if '"' in code and kind not in ("swallowed error", "omitted call"):
                        continue  # it may stand in a text
                    changed, count = re.subn(pattern, after, code, count=1)
                    if count and changed != code:
                        yield module, kind, file.relative_to(ROOT).as_posix(), number, line, changed
                        break


def draw(modules, count, seed, kinds_wanted):
    random_source = random.Random(seed)
    pools = {}
    for module in modules:
        by_kind = {}
        for each in candidates(module):
            if each[1] in kinds_wanted:
                by_kind.setdefault(each[1], []).append(each)
        pools[module] = by_kind
    drawn = []
    while len(drawn) < count and any(any(k.values()) for k in pools.values()):
        for module in modules:
            kinds = [kind for kind, left in pools[module].items() if left]
            if not kinds or len(drawn) >= count:
                continue
            left = pools[module][random_source.choice(kinds)]
            drawn.append(left.pop(random_source.randrange(len(left))))
    return drawn


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=20261129)
    parser.add_argument("--count", type=int, default=160)
    parser.add_argument("--elsewhere", type=int, default=35, help="so many more of the other modules")
    parser.add_argument("--only", choices=[*MODULES, *ELSEWHERE], help="--count of one module")
    parser.add_argument("--kind", choices=KINDS, help="of one kind, and none of --elsewhere")
    options = parser.parse_args()
    of_many = [] if options.only or options.kind else draw(ELSEWHERE, options.elsewhere, options.seed, KINDS)
    for each in [*draw([options.only] if options.only else MODULES, options.count, options.seed,
                       [options.kind] if options.kind else KINDS), *of_many]:
        print("\t".join(str(part).replace("\t", "  ") for part in each))


if __name__ == "__main__":
    sys.exit(main())
