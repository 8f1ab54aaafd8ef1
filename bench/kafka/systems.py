"""The systems that do the jobs: how each is started on topics and a group of its own."""

import collections
import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent

# Of the jobs that count, the one that need not count all.
LOSSY = "Kafka Streams: count, a minute's grace"

# A run's own names: all topics and groups that it makes begin with `name`.
Run = collections.namedtuple("Run", "name kafka lines out partitions directory")


class Job:
    """One job of one system.

    `kind`: raw, transform or count. `commands`, of a Run: what to start. `out`, of a Run: the topic of its output.
    `progress`: where it is seen: in the `output`, `printed` by the job, or in the positions of a group.
    `needs_topic`: the topic of the output has to be there. `must_be_new`: it does not leave its group when it ends, so
    the next one would wait for it.
    """

    def __init__(self, name, kind, commands, out, progress="output", needs_topic=True, must_be_new=False):
        self.name, self.kind, self.commands, self.out = name, kind, commands, out
        self.progress, self.needs_topic, self.must_be_new = progress, needs_topic, must_be_new


def progress_of(kind):
    return "printed" if kind == "count" else "output"


def by_hand(program):
    def job(kind):
        def commands(run):
            return [[program, kind, run.kafka, run.lines, run.out, f"{run.name}.group"]]

        return Job(f"by hand: {kind}", kind, commands, lambda run: run.out, progress_of(kind))

    return {job.name: job for job in map(job, ("raw", "transform", "count"))}


def ours(program):
    def streamlet(run, name, topics, *settings):
        return [
            program, "streamlet", name, "--kafka", run.kafka, "--state", run.directory / "state", "--metrics-port", "0",
            "--log-level", "warn", f"cloudflow.kafka.prefix={run.name}.", f"cloudflow.topics.lines.topic.name={run.lines}",
            "cloudflow.topics.lines.managed=false", *settings,
            *(f"cloudflow.topics.{topic}.partitions={run.partitions}" for topic in ("lines", *topics)),
        ]

    def transform(delivery):
        def commands(run):
            setting = f"cloudflow.streamlets.transform.config.cloudflow.delivery={delivery}"
            return [streamlet(run, "transform", ["transformed"], setting)]

        out = lambda run: f"{run.name}.transformed"
        return Job(f"Cloudflow: transform, {delivery}", "transform", commands, out, needs_topic=False)

    def count(run):
        return [streamlet(run, "count", ["counts"])]

    # From several partitions through a repartition topic.
    counting = Job(
        "Cloudflow: count", "count", count, lambda run: f"{run.name}.counts", "log-lines.count.lines", needs_topic=False
    )
    jobs = [transform("at-least-once"), transform("exactly-once"), counting]
    return {job.name: job for job in jobs}


def kafka_streams(jars):
    def job(name, kind, *properties, grace_minutes=1):
        def commands(run):
            threads = min(run.partitions, os.cpu_count())
            arguments = [kind, run.lines, run.out, grace_minutes]
            return [[
                "java", "-Xmx1g", "-cp", f"{jars}/*", "loglines.Jobs", *arguments, f"bootstrap.servers={run.kafka}",
                f"application.id={run.name}.streams", f"state.dir={run.directory}", f"num.stream.threads={threads}",
                "auto.offset.reset=earliest", *properties,
            ]]

        return Job(name, kind, commands, lambda run: run.out, progress_of(kind), must_be_new=True)

    day = 24 * 60
    exactly_once = ["processing.guarantee=exactly_once_v2", "commit.interval.ms=100"]
    jobs = [
        job("Kafka Streams: transform, at-least-once", "transform"),
        job("Kafka Streams: transform, exactly-once", "transform", *exactly_once),
        # With a grace of a minute it drops lines when several partitions catch up.
        job("Kafka Streams: count", "count", grace_minutes=day),
        job(LOSSY, "count"),
    ]
    return {job.name: job for job in jobs}


def build_kafka_streams():
    """Built by Maven once for all clones; gives the directory of the jars."""
    sources = sorted([*HERE.glob("schemas/*.avsc"), *HERE.glob("streams/**/*.java"), HERE / "streams/pom.xml"])
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:12]
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "cloudflow"
    cache.mkdir(parents=True, exist_ok=True)
    built = cache / f"kafka-streams-{digest}"
    with open(cache / "kafka-streams.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not built.exists():
            print(f"building the jobs on Kafka Streams in {built}", flush=True)
            with tempfile.TemporaryDirectory(dir=cache) as work:
                options = ["-q", "-B", "-Dstyle.color=never", "--strict-checksums", f"-Dmade.in={work}"]
                subprocess.run(["mvn", *options, "-f", HERE / "streams/pom.xml", "package"], check=True)
                shutil.move(f"{work}/jars", built)
    return built
