"""Figures as people read them."""

import collections
import statistics

LIMIT = "by hand: raw"


def line(run):
    return (
        f"  {run['job']:40} {run['partitions']}  {run['rate'] / 1e6:6.3f} M/s  {run['job_cpu']:5.2f} CPU s/M  "
        f"broker {run['broker_cpu']:5.2f}  {run['peak_mb']:5.0f} MB  load {run['load']:.1f}"
    )


def medians(runs):
    """One row for each job and number of partitions."""
    groups = collections.defaultdict(list)
    for run in runs:
        groups[run["job"], run["partitions"]].append(run)
    rows = {}
    for key, group in groups.items():
        rates = [run["rate"] for run in group]
        middle = {
            name: statistics.median(run[name] for run in group)
            for name in ("rate", "job_cpu", "broker_cpu", "peak_mb", "load")
        }
        rows[key] = {**middle, "least_rate": min(rates), "most_rate": max(rates), "runs": len(group)}
    return rows


def show_table(text, head, rows):
    print(f"\n{text}\n\n| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for row in rows:
        print(f"| {' | '.join(map(str, row))} |")


def show_throughput(runs, records):
    groups = medians(runs)
    rows = []
    for (job, partitions), row in sorted(groups.items(), key=lambda item: item[0][1]):
        limit = groups.get((LIMIT, partitions))
        rates = (f"{row[name] / 1e6:.2f}" for name in ("rate", "least_rate", "most_rate"))
        part = f"{100 * row['rate'] / limit['rate']:.0f} %" if limit else ""
        cpu = (f"{row[name]:.2f}" for name in ("job_cpu", "broker_cpu"))
        rows.append([job, partitions, *rates, part, *cpu, f"{row['peak_mb']:.0f}", row["runs"], f"{row['load']:.1f}"])
    show_table(
        f"{records:,} records, medians. Rate: million input records a second, and that as a part of raw bytes by hand.\n"
        "CPU: seconds per million input records, of the job and of the broker. MB: RSS of the job at its peak.",
        ["job", "partitions", "rate", "least", "most", "of raw", "CPU", "broker's", "MB", "runs", "load"],
        rows,
    )


def show_counted(counted, lines):
    show_table(
        "Windows of a minute and a minute of lateness, catching up on partitions of which each has a third or a quarter\n"
        "of the lines of the one before, over the same hours.",
        ["job", "lines", "counted"],
        [[job, f"{lines:,}", f"{found:,}"] for job, found in counted.items()],
    )


def show_starts(starts):
    show_table(
        "From exec to the first record of the output, seconds. Topics and group are there from an earlier run; the group\n"
        "of Kafka Streams is new, as it would wait for its former member.",
        ["job", "median", "least", "most", "starts"],
        [[job, *(f"{f(s):.2f}" for f in (statistics.median, min, max)), len(s)] for job, s in starts.items()],
    )


def show_latencies(latencies):
    columns = ("p50_us", "p99_us", "p999_us", "max_us", "sender_late_us")
    show_table(
        "From when a record was due to be sent until it was back out of the output topic, ms. They are due at a constant\n"
        "rate, half of the job's own peak above, so one that had to wait for others counts in full.",
        ["job", "records/s", "p50", "p99", "p99.9", "most", "sender late"],
        [
            [job, f"{found['rate']:,}", *(f"{found[name] / 1000:.1f}" for name in columns)]
            for job, found in latencies.items()
        ],
    )
