/// The log against plain RocksDB, on the file system of TMPDIR: what encoding, offsets and
/// visibility cost. Every benchmark checks what it has written or read.
#include "cloudflow/pubsub/embedded/log.hpp"
#include "cloudflow/pubsub/embedded/test_directory.hpp"

#include <benchmark/benchmark.h>
#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace cloudflow::pubsub::embedded {
namespace {

constexpr int records_per_commit = 1000;
constexpr std::size_t record_size = 100;
const std::string payload(record_size, 'x');
const topic_partition source{"t", partition_id{0}};

std::unique_ptr<log> open_log(const test_directory& where, const clock& time, bool sync,
                              std::size_t tail_bytes = 32 << 20) {
  auto opened = open({.directory = where.path() / "log",
                      .tail_bytes = tail_bytes,
                      .sync_commits = sync,
                      .file_system = {}},
                     time)
                    .value();
  opened->ensure_topic({"t", 1, {}, {}}).value();
  return opened;
}

void fill(record_buffer& records) {
  records.clear();
  for (int i = 0; i != records_per_commit; ++i) records.append({}, payload);
}

/// Commits what a worker commits: records, a position.
void commit(producer& out, const record_buffer& records, std::int64_t position) {
  transaction changes;
  changes.outputs.push_back({"t", partition_id{0}, &records});
  changes.positions.push_back({"g", "t", partition_id{0}, record_offset{position}});
  out.commit(changes).ignore("the end offset is checked");
}

void write(log& to, std::int64_t count) {
  auto out = to.open_producer({.transactional_id = "w"}).value();
  record_buffer records;
  fill(records);
  for (std::int64_t i = 0; i != count; i += records_per_commit) commit(*out, records, i);
}

void append(benchmark::State& state, bool sync) {
  const test_directory directory;
  const system_clock clock;
  const auto log = open_log(directory, clock, sync);
  auto out = log->open_producer({.transactional_id = "w"}).value();
  record_buffer records;
  std::int64_t written = 0;
  for (auto _ : state) {
    fill(records);
    commit(*out, records, written);
    written += records_per_commit;
  }
  if (log->topic("t")->partitions[0].end.value() != written) state.SkipWithError("records missing");
  state.SetItemsProcessed(written);
}

std::unique_ptr<rocksdb::DB> open_plain(const test_directory& where) {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.compression = rocksdb::kNoCompression;
  rocksdb::DB* db = nullptr;
  const auto status = rocksdb::DB::Open(options, where.path().string(), &db);
  if (!status.ok()) std::abort();
  return std::unique_ptr<rocksdb::DB>{db};
}

std::string big_endian(std::uint64_t number) {
  byte_writer key;
  key.put_big_endian(number);
  return std::string{key.view()};
}

/// The limit: the same bytes as one value.
void plain_one_value(benchmark::State& state, bool sync) {
  const test_directory directory;
  const auto db = open_plain(directory);
  rocksdb::WriteOptions how;
  how.sync = sync;
  rocksdb::WriteBatch batch;
  std::string value;
  std::int64_t written = 0;
  for (auto _ : state) {
    value.clear();
    for (int i = 0; i != records_per_commit; ++i) value += payload;
    batch.Clear();
    batch.Put(big_endian(static_cast<std::uint64_t>(written)), value);
    batch.Put("position", std::to_string(written));
    if (!db->Write(how, &batch).ok()) state.SkipWithError("write failed");
    written += records_per_commit;
  }
  state.SetItemsProcessed(written);
}

/// What this log does not do: one value a record.
void plain_value_per_record(benchmark::State& state, bool sync) {
  const test_directory directory;
  const auto db = open_plain(directory);
  rocksdb::WriteOptions how;
  how.sync = sync;
  rocksdb::WriteBatch batch;
  std::int64_t written = 0;
  for (auto _ : state) {
    batch.Clear();
    for (int i = 0; i != records_per_commit; ++i)
      batch.Put(big_endian(static_cast<std::uint64_t>(written++)), payload);
    if (!db->Write(how, &batch).ok()) state.SkipWithError("write failed");
  }
  state.SetItemsProcessed(written);
}

/// Several workers: how much of the sync they share.
void append_together(benchmark::State& state) {
  const test_directory directory;
  const system_clock clock;
  const auto log = open_log(directory, clock, true);
  const auto workers = static_cast<int>(state.range(0));
  constexpr int commits = 20;
  std::int64_t written = 0;
  for (auto _ : state) {
    std::vector<std::jthread> threads;
    for (int w = 0; w != workers; ++w)
      threads.emplace_back([&, w] {
        auto out = log->open_producer({.transactional_id = "w" + std::to_string(w)}).value();
        record_buffer records;
        for (int i = 0; i != commits; ++i) {
          fill(records);
          commit(*out, records, i);
        }
      });
    threads.clear();
    written += std::int64_t{workers} * commits * records_per_commit;
  }
  if (log->topic("t")->partitions[0].end.value() != written) state.SkipWithError("records missing");
  state.SetItemsProcessed(written);
}

constexpr std::int64_t stored_records = 2'000'000;

void read_from(benchmark::State& state, std::size_t tail_bytes) {
  const test_directory directory;
  const system_clock clock;
  const auto log = open_log(directory, clock, false, tail_bytes);
  write(*log, stored_records);
  const auto in =
      log->open_consumer({.group = "g", .topics = {"t"}, .start_at = {}, .on_ready = {}}).value();
  for (auto _ : state) {
    in->seek(source, record_offset{0}).ignore("the sum is checked");
    std::int64_t bytes = 0;
    while (true) {
      const auto batch = in->fetch(source, {});
      if (!batch || batch->empty()) break;
      for (const auto& record : batch->records())
        bytes += static_cast<std::int64_t>(record.value.size());
    }
    if (bytes != stored_records * static_cast<std::int64_t>(record_size))
      state.SkipWithError("records missing");
  }
  state.SetItemsProcessed(state.iterations() * stored_records);
}

/// The limit for reading from the disk: an iterator over the same values, each touched once.
void plain_iterator(benchmark::State& state) {
  const test_directory directory;
  const auto db = open_plain(directory);
  const std::string value(records_per_commit * record_size, 'x');
  for (std::int64_t i = 0; i != stored_records; i += records_per_commit)
    if (!db->Put({}, big_endian(static_cast<std::uint64_t>(i)), value).ok()) std::abort();
  for (auto _ : state) {
    std::int64_t bytes = 0;
    const std::unique_ptr<rocksdb::Iterator> at{db->NewIterator({})};
    for (at->SeekToFirst(); at->Valid(); at->Next())
      for (std::size_t i = 0; i < at->value().size(); i += record_size) {
        benchmark::DoNotOptimize(at->value()[i]);
        bytes += static_cast<std::int64_t>(record_size);
      }
    if (bytes != stored_records * static_cast<std::int64_t>(record_size))
      state.SkipWithError("records missing");
  }
  state.SetItemsProcessed(state.iterations() * stored_records);
}

/// Opening a log of 1 GB whose process has closed it or, with an argument, was killed after that
/// many records more: they are in the write-ahead log alone, and nothing moves while the files are
/// copied.
void open_large(benchmark::State& state) {
  const test_directory directory;
  const system_clock clock;
  constexpr std::int64_t large = 10'000'000;
  write(*open_log(directory, clock, false), large);
  const auto log = state.range(0) == 0 ? nullptr : open_log(directory, clock, false);
  if (log) write(*log, state.range(0));
  for (auto _ : state) {
    state.PauseTiming();
    const test_directory copy;
    std::filesystem::copy(directory.path(), copy.path());
    state.ResumeTiming();
    auto opened = open({.directory = copy.path(), .file_system = {}}, clock).value();
    state.PauseTiming();
    if (opened->topic("t")->partitions[0].end.value() != large + state.range(0))
      state.SkipWithError("records missing");
    opened.reset();
    state.ResumeTiming();
  }
}

BENCHMARK_CAPTURE(append, synced, true)->UseRealTime();
BENCHMARK_CAPTURE(plain_one_value, synced, true)->UseRealTime();
BENCHMARK_CAPTURE(plain_value_per_record, synced, true)->UseRealTime();
BENCHMARK_CAPTURE(append, unsynced, false)->UseRealTime();
BENCHMARK_CAPTURE(plain_one_value, unsynced, false)->UseRealTime();
BENCHMARK_CAPTURE(plain_value_per_record, unsynced, false)->UseRealTime();
BENCHMARK(append_together)->Arg(1)->Arg(4)->Arg(8)->UseRealTime();
BENCHMARK_CAPTURE(read_from, memory, 1 << 30)->UseRealTime();
BENCHMARK_CAPTURE(read_from, disk, 0)->UseRealTime();
BENCHMARK(plain_iterator)->UseRealTime();
BENCHMARK(open_large)
    ->Arg(0)
    ->Arg(300'000)
    ->Iterations(3)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace cloudflow::pubsub::embedded
