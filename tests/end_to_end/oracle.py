"""What tests/count_logs.py counts over log files, compared with what the log processor has left in its topics."""

import collections
import datetime
import json
import re
import subprocess
import sys

from application import ROOT

MAIL = re.compile(r"(.+) logged (\d+) problems in (\d+) messages between (\S+) and (\S+)\.")


def counted(logs, *arguments):
    """The report of count_logs.py over a directory."""
    command = [sys.executable, ROOT / "tests/count_logs.py", *arguments, logs]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout)


def ms_of(text):
    """Milliseconds since 1970 of a time as `peek` prints it: a number when it is beyond the year 9999."""
    if isinstance(text, int):
        return text
    time = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (time - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)) // datetime.timedelta(milliseconds=1)


def window_of(row):
    return row["app"], ms_of(row["windowstart"])


def assert_equals_count(test, app, report, window=120_000, threshold=10):
    """Everything in the topics and the outbox is what the report says, no more and no less."""
    valid, invalid = app.peek("valid-logs"), app.peek("invalid-logs")
    _assert_files(test, report, valid, invalid)
    _assert_each_line_once(test, valid + invalid)
    _assert_windows(test, app, report, window, threshold)
    _assert_mails(test, app)


def _assert_files(test, report, valid, invalid):
    records = collections.defaultdict(list)
    for record in valid:
        records[record["source"]].append(record)
    unreadable = collections.defaultdict(list)
    for record in invalid:
        unreadable[record["source"]].append(record)
    for name, file in report["files"].items():
        with test.subTest(file=name):
            levels = collections.Counter(record["logType"] for record in records[name])
            test.assertEqual(len(records[name]), file["records"])
            test.assertEqual(dict(levels), file["levels"])
            test.assertEqual([record["line"] for record in unreadable[name]], file["invalidLines"])
            test.assertEqual({record["app"] for record in records[name]}, {file["app"]} if records[name] else set())
            test.assertTrue(all(record["reason"] for record in unreadable[name]))
            continuation = _continuation(file["layout"], records[name], unreadable[name], file["lines"])
            test.assertEqual(continuation, file["continuation"])
            test.assertEqual(len(records[name]) + continuation + len(unreadable[name]), file["lines"])
    test.assertLessEqual(set(records) | set(unreadable), set(report["files"]))


def _continuation(layout, records, unreadable, lines):
    """Lines that continue a record: those in its text. JSON escapes line ends, there it is what follows a record."""
    if layout != "json":
        return sum(record["message"].count("\n") for record in records)
    begins = sorted([(r["line"], 1) for r in records] + [(r["line"], 0) for r in unreadable]) + [(lines + 1, 0)]
    return sum((after - line - 1) * is_record for (line, is_record), (after, _) in zip(begins, begins[1:]))


def _assert_each_line_once(test, rows):
    places = collections.Counter((row["source"], row["line"]) for row in rows)
    test.assertEqual([place for place, times in places.items() if times != 1], [])


def _assert_windows(test, app, report, window, threshold):
    last = {window_of(row): row for row in app.peek("log-stat")}
    expected = {(w["app"], w["windowstart"]): (w["messages"], w["problems"]) for w in report["windows"]}
    test.assertEqual({key: (row["numLogs"], row["numErrors"]) for key, row in last.items()}, expected)
    for (_, start), row in last.items():
        test.assertEqual(ms_of(row["windowend"]), start + window)
        test.assertEqual(row["flagErrors"], row["numErrors"] > threshold)
    shown = app.peek("log-stat", "--latest-by", "app,windowstart")
    test.assertEqual({window_of(row): row for row in shown}, last)
    test.assertEqual(len(shown), len(last))


def _assert_mails(test, app):
    """One mail for each window that was flagged, with the numbers it had when it was first flagged."""
    flagged = {}
    for row in app.peek("log-stat"):
        if row["flagErrors"]:
            flagged.setdefault(window_of(row), row)
    mails = {}
    for mail in app.mails():
        name, problems, messages, start, end = MAIL.match(mail.get_content()).groups()
        test.assertNotIn((name, ms_of(start)), mails)
        mails[name, ms_of(start)] = (int(problems), int(messages), ms_of(end))
        test.assertEqual(mail["Message-ID"], f"<{name}.{ms_of(start)}@localhost>")
        test.assertEqual(mail["Subject"], f"{name}: {problems} problems")
    test.assertEqual(
        mails, {key: (row["numErrors"], row["numLogs"], ms_of(row["windowend"])) for key, row in flagged.items()}
    )
