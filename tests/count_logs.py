#!/usr/bin/env python3
"""Counts log files: the oracle for the log processor. Shares no code with src/cloudflow/connect/files, only its rules.

usage: count_logs.py [--window SECONDS] [--levels WARN,ERROR] [--object-time ISO] [--time-zone +HH:MM]
                     [--pattern REGEX --time-format FORMAT] FILE_OR_DIRECTORY...

Prints one JSON object:
  files:   per file (path relative to its directory): app, layout, lines, records, continuation, invalid, levels,
           and invalidLines: the numbers of the invalid lines
  windows: per (app, start of the window in ms): messages, problems (records whose level is one of --levels)

Times without date or year are completed by the file's modification time, or by --object-time for all files.
--pattern is a regular expression with the groups time, message and perhaps level; --time-format is one of strptime's.
"""

import argparse
import calendar
import collections
import datetime
import json
import pathlib
import re
import sys

HEAD_BYTES, HEAD_LINES, LINE_LIMIT = 256 * 1024, 200, 1024 * 1024
DAY_MS = 86_400_000

SPELLINGS = {
    "TRACE": "TRACE FINEST FINER VERBOSE",
    "DEBUG": "DEBUG FINE",
    "INFO": "INFO INFORMATION INFORMATIONAL NOTICE CONFIG",
    "WARN": "WARN WARNING",
    "ERROR": "ERROR ERR SEVERE",
    "FATAL": "FATAL CRITICAL CRIT ALERT EMERG EMERGENCY PANIC",
}
LEVEL_OF = {word: level for level, words in SPELLINGS.items() for word in words.split()}
MONTHS = {name: number for number, name in enumerate(calendar.month_abbr) if name}

CLOCK = r"(?P<h>\d\d):(?P<mi>\d\d):(?P<s>\d\d)(?:[.,](?P<f>\d{1,9}))?"
OFFSET = r"[+-](?:0\d|1[0-8])(?::?[0-5]\d)?"
ISO = (
    r"(?P<y>\d{4})-(?P<mo>\d\d)-(?P<d>\d\d)[T ]" + CLOCK
    + rf"(?P<zone>[Zz]|{OFFSET}|[ ](?:UTC|GMT|[+-](?:0\d|1[0-8]):?[0-5]\d)(?![0-9A-Za-z]))?(?![0-9A-Za-z])"
)
# A time with a space in it and no zone is what log4j and ZooKeeper write.
PLAIN = ISO.replace("[T ]", "[ ]")
SYSLOG_TIME = r"(?P<mon>[A-Z][a-z]{2}) (?P<d>[ \d]\d) (?P<h>\d\d):(?P<mi>\d\d):(?P<s>\d\d)"
WORD = r"[A-Za-z]{3,16}"
KNOWN = "|".join(f"{word}|{word.lower()}" for word in LEVEL_OF)
GAP = r"[ \t]*"


class NoSuchTime(Exception):
    pass


def from_parts(year, month, day, hour, minute, second, fraction, offset_minutes):
    if hour > 23 or minute > 59 or second > 60:
        raise NoSuchTime
    try:
        days = datetime.date(year, month, day).toordinal() - datetime.date(1970, 1, 1).toordinal()
    except ValueError as e:
        raise NoSuchTime from e
    milliseconds = int(((fraction or "") + "000")[:3])
    return days * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1000 + milliseconds - offset_minutes * 60_000


def offset_of(zone, default):
    if zone is None:
        return default
    zone = zone.strip()
    if zone[0] not in "+-":
        return 0
    digits = zone[1:].replace(":", "")
    minutes = int(digits[:2]) * 60 + int(digits[2:] or 0)
    return minutes if zone[0] == "+" else -minutes


class Context:
    def __init__(self, object_time_ms, zone_minutes):
        self.object_time = object_time_ms
        self.zone = zone_minutes

    def iso(self, m):
        return from_parts(*(int(m[k]) for k in ("y", "mo", "d", "h", "mi", "s")), m["f"], offset_of(m["zone"], self.zone))

    def time_of_day(self, m):
        local = self.object_time + self.zone * 60_000
        date = datetime.date.fromordinal(datetime.date(1970, 1, 1).toordinal() + local // DAY_MS)
        time = from_parts(date.year, date.month, date.day, int(m["h"]), int(m["mi"]), int(m["s"]), m["f"], self.zone)
        return time - DAY_MS if time > self.object_time + 23 * 3_600_000 else time

    def without_year(self, m):
        if m["mon"] not in MONTHS or int(m["d"]) == 0:
            raise NoSuchTime
        latest = self.object_time + DAY_MS
        first = datetime.datetime.fromtimestamp((latest + self.zone * 60_000) / 1000, datetime.timezone.utc).year
        for year in range(first, first - 8, -1):
            try:
                time = from_parts(year, MONTHS[m["mon"]], int(m["d"]), int(m["h"]), int(m["mi"]), int(m["s"]), None, self.zone)
            except NoSuchTime:
                continue
            if time <= latest:
                return time
        raise NoSuchTime


def spelled(word):
    return LEVEL_OF.get(word.upper(), word.upper())


def severity_level(priority):
    return ["FATAL", "FATAL", "FATAL", "ERROR", "WARN", "INFO", "INFO", "DEBUG"][priority % 8]


# A layout is a function (line, context) -> None for a line that begins nothing, (time, level) for a record;
# it raises NoSuchTime or ValueError for a line that begins something unreadable.


def by_expressions(begin, whole, time):
    begin, whole = re.compile(begin), re.compile(whole)

    def parse(line, context):
        begun = begin.match(line)
        if not begun:
            return None
        when = time(context, begun)
        found = whole.match(line)
        if not found:
            raise ValueError
        words = found.groupdict()
        return when, spelled(words["level"] or words["known"])

    return parse


zookeeper = by_expressions(PLAIN, PLAIN + GAP + rf"- +{GAP}(?P<level>{WORD})[ \t]+\[.*?\] -", Context.iso)
log4j = by_expressions(PLAIN, PLAIN + GAP + rf"(?:(?P<level>{WORD})[ \t]+\[.*?\](?=[ \t]|$)|(?P<known>{KNOWN})(?=[ \t]|$))", Context.iso)
logback = by_expressions(
    CLOCK + r"(?![0-9A-Za-z])", CLOCK + GAP + r"\[.*?\](?=[ \t]|$)" + GAP
    + rf"(?:(?P<level>{WORD})[ \t]+[^ \t]+[ \t]+-(?=[ \t]|$)|(?P<known>{KNOWN})(?=[ \t]|$))", Context.time_of_day
)


def json_time(value, context):
    if isinstance(value, str):
        m = re.fullmatch(ISO, value)
        if not m:
            raise NoSuchTime
        return context.iso(m)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
        raise NoSuchTime
    for limit, per_ms in ((10**11, 0.001), (10**14, 1), (10**17, 1000)):
        if value < limit:
            return round(value * 1000, 3) // 1 if per_ms < 1 else value // per_ms
    return value // 1_000_000


def unique_first(pairs):
    out = {}
    for key, value in pairs:
        out.setdefault(key, value)
    return out


def refuse_constant(name):
    raise ValueError(name)


def json_lines(line, context):
    if not line.startswith("{"):
        return None
    fields = json.loads(line, object_pairs_hook=lambda pairs: pairs, parse_constant=refuse_constant)
    named = unique_first(fields)
    times = [value for key, value in fields if key in ("time", "timestamp", "ts", "@timestamp")]
    levels = [value for key, value in fields if key in ("level", "severity")]
    if not times:
        raise ValueError
    assert named is not None
    level = levels[0] if levels else ""
    if isinstance(level, (int, float)) and not isinstance(level, bool):
        level = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"][int(level) // 10 - 1] if 10 <= level < 70 else ""
    return int(json_time(times[0], context)), spelled(level if isinstance(level, str) else "")


def syslog(line, context):
    priority = re.match(r"<(\d{1,3})>", line)
    if priority and int(priority[1]) > 191:
        priority = None
    level = severity_level(int(priority[1])) if priority else ""
    rest = line[priority.end():] if priority else line
    if priority and rest.startswith("1 "):
        time = re.match(ISO, rest[2:])
        if not time:
            raise ValueError
        when = context.iso(time)
        header = re.match(r"(?:[ \t]*[^ \t]*){4}[ \t]*", rest[2 + time.end():])
        data = rest[2 + time.end() + header.end():]
        if data.startswith("[") and not re.match(r'(?:\[(?:"(?:\\.|[^"\\])*"|[^\]"])*\])+(?!\[)', data):
            raise ValueError
        return when, level
    time = re.match(SYSLOG_TIME, rest)
    if not time:
        if priority:
            raise ValueError
        return None
    return context.without_year(time), level


def iso8601(line, context):
    m = re.match(ISO, line)
    if not m:
        return None
    return context.iso(m), level_in(line[m.end():])


def level_in(text):
    """The level among the first five words; before it only separators, numbers, brackets, and words before a separator."""
    words = re.findall(r"\[.*?\](?=[ \t]|$)|[^ \t]+", text)
    for i, word in enumerate(words[:5]):
        if word.startswith("[") and word.endswith("]"):
            if word[1:-1].rstrip(" ").upper() in LEVEL_OF:
                return LEVEL_OF[word[1:-1].rstrip(" ").upper()]
            continue
        bare = word[:-1] if word.endswith(":") else word
        if bare.upper() in LEVEL_OF and bare in (bare.upper(), bare.lower()):
            return LEVEL_OF[bare.upper()]
        if re.fullmatch(r"[-|:]+|\d+", word):
            continue
        if i + 1 < len(words) and re.fullmatch(r"[-|:]+", words[i + 1]):
            continue
        return ""
    return ""


def unknown(line, context):
    raise ValueError


LAYOUTS = {"zookeeper": zookeeper, "log4j": log4j, "logback": logback, "json": json_lines, "syslog": syslog}


def pattern_layout(pattern, time_format):
    expression = re.compile(pattern.replace("(?<", "(?P<"))

    def parse(line, context):
        m = expression.match(line)
        if not m:
            return None
        groups = m.groupdict()
        try:
            parsed = datetime.datetime.strptime(groups["time"], time_format)
        except ValueError as e:
            raise NoSuchTime from e
        zone = parsed.utcoffset()
        offset = context.zone * 60 if zone is None else zone.total_seconds()
        naive = parsed.replace(tzinfo=None) - datetime.datetime(1970, 1, 1)
        time = naive // datetime.timedelta(milliseconds=1) - int(offset * 1000)
        return time, spelled(groups.get("level") or "")

    return parse


def kind_of(layout, line, context):
    try:
        return layout(line, context) or "continuation"
    except (NoSuchTime, ValueError, RecursionError):
        return "invalid"


def recognise(lines, context):
    begun = {
        name: sum(isinstance(kind_of(layout, line, context), tuple) for line in lines)
        for name, layout in {**LAYOUTS, "iso8601": iso8601}.items()
    }
    general = begun.pop("iso8601")
    best = max(begun, key=begun.get)
    if general * 4 > begun[best] * 5:
        return "iso8601", iso8601
    return (best, LAYOUTS[best]) if begun[best] else ("unknown", unknown)


def decode(raw):
    raw = raw[:-1] if raw.endswith(b"\r") else raw
    if len(raw) > LINE_LIMIT:
        return raw[:LINE_LIMIT].decode("utf-8", "ignore")
    return raw.decode("utf-8", "replace")


def lines_of(content):
    content = content.removeprefix(b"\xef\xbb\xbf")
    parts = content.split(b"\n")
    return parts[:-1] if parts[-1] == b"" else parts


def head_of(content):
    head = content[:HEAD_BYTES]
    parts = lines_of(head)
    if len(head) == HEAD_BYTES and not head.endswith(b"\n") and len(parts) > 1:
        parts = parts[:-1]
    return [decode(part) for part in parts[:HEAD_LINES]]


class Counter:
    def __init__(self, window_ms, problem_levels):
        self.window_ms = window_ms
        self.problem_levels = problem_levels
        self.files = {}
        self.windows = collections.Counter()
        self.problems = collections.Counter()

    def count(self, name, content, context, fixed_layout):
        layout_name, layout = ("pattern", fixed_layout) if fixed_layout else recognise(head_of(content), context)
        app = pathlib.PurePosixPath(name).stem
        levels, invalid_lines, records, continuation, continues = collections.Counter(), [], 0, 0, False
        lines = lines_of(content)
        for number, raw in enumerate(lines, 1):
            kind = kind_of(layout, decode(raw), context)
            if isinstance(kind, tuple):
                records += 1
                continues = True
                levels[kind[1]] += 1
                window = (app, kind[0] // self.window_ms * self.window_ms)
                self.windows[window] += 1
                self.problems[window] += kind[1] in self.problem_levels
            elif kind == "continuation" and continues:
                continuation += 1
            else:
                invalid_lines.append(number)
                continues = False
        assert records + continuation + len(invalid_lines) == len(lines)
        self.files[name] = {
            "app": app, "layout": layout_name, "lines": len(lines), "records": records, "continuation": continuation,
            "invalid": len(invalid_lines), "levels": dict(sorted(levels.items())), "invalidLines": invalid_lines,
        }

    def report(self):
        windows = [
            {"app": app, "windowstart": start, "messages": self.windows[app, start], "problems": self.problems[app, start]}
            for app, start in sorted(self.windows)
        ]
        return {"files": self.files, "windows": windows}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="+", type=pathlib.Path)
    parser.add_argument("--window", type=float, default=120, help="seconds")
    parser.add_argument("--levels", default="WARN,ERROR", help="what counts as a problem")
    parser.add_argument("--object-time", help="ISO 8601; instead of each file's modification time")
    parser.add_argument("--time-zone", default="+00:00", help="of times that name none")
    parser.add_argument("--pattern")
    parser.add_argument("--time-format", default="%Y-%m-%d %H:%M:%S,%f")
    return parser.parse_args()


def main():
    args = arguments()
    fixed = pattern_layout(args.pattern, args.time_format) if args.pattern else None
    levels = {spelled(level.strip()) for level in args.levels.split(",")}
    counter = Counter(int(args.window * 1000), levels)
    zone = offset_of(args.time_zone, 0)
    for path in args.paths:
        for file in sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]:
            modified = file.stat().st_mtime_ns // 1_000_000
            if args.object_time:
                modified = Context(0, 0).iso(re.fullmatch(ISO, args.object_time))
            name = file.relative_to(path).as_posix() if path.is_dir() else file.name
            counter.count(name, file.read_bytes(), Context(modified, zone), fixed)
    json.dump(counter.report(), sys.stdout, indent=1, ensure_ascii=False)
    print()


if __name__ == "__main__":
    main()
