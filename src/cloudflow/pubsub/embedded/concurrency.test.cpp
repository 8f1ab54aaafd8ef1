/// Many threads on one log, for ThreadSanitizer as well.
#include "cloudflow/pubsub/embedded/log.hpp"
#include "cloudflow/pubsub/embedded/simulated_disk.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

namespace cloudflow::pubsub::embedded {
namespace {

constexpr int writers = 4;
constexpr int partitions = 2;
constexpr int commits_per_writer = 60;
constexpr int records_per_commit = 5;
constexpr int records_per_partition = writers * commits_per_writer * records_per_commit;

/// Writes its own numbers, each to every partition.
void write_all(log& to, int writer) {
  const auto name = "w" + std::to_string(writer);
  auto out = to.open_producer({.transactional_id = name}).value();
  record_buffer records;
  for (int commit = 0, number = 0; commit != commits_per_writer; ++commit) {
    records.clear();
    for (int i = 0; i != records_per_commit; ++i) records.append(name, std::to_string(number++));
    transaction changes;
    for (int p = 0; p != partitions; ++p)
      changes.outputs.push_back({"t", partition_id{p}, &records});
    changes.state.push_back({"s", {}, name, name});
    const auto done = out->commit(changes);
    ASSERT_TRUE(done.has_value()) << done.error().message;
  }
}

/// Follows one group until it has read everything, committing as it goes; checks order and gaps.
void read_all(log& from, const std::string& group) {
  std::counting_semaphore<> ready{0};
  auto in = from.open_consumer({.group = group,
                                .topics = {"t"},
                                .start_at = consumer_options::start::earliest,
                                .on_ready = [&] { ready.release(); }})
                .value();
  auto out = from.open_producer({.transactional_id = group}).value();
  std::map<topic_partition, record_offset> next;
  std::map<std::pair<std::int32_t, std::string>, int> seen;
  const auto assignments = in->poll_assignments();
  for (const auto& assigned : *assignments) next[assigned.source] = assigned.next;
  for (int left = records_per_partition * partitions; left != 0;) {
    transaction changes;
    for (auto& [source, at] : next) {
      const auto batch = in->fetch(source, {.max_records = 17, .max_bytes = 1 << 20});
      ASSERT_TRUE(batch.has_value()) << batch.error().message;
      for (const auto& record : batch->records()) {
        ASSERT_EQ(record.offset, at);
        ++at;
        auto& number = seen[{source.partition.value(), std::string{record.key}}];
        ASSERT_EQ(record.value, std::to_string(number++));
        --left;
      }
      if (!batch->empty()) changes.positions.push_back({group, source.topic, source.partition, at});
    }
    if (changes.empty())
      ready.acquire();
    else
      ASSERT_TRUE(out->commit(changes).has_value());
  }
}

class concurrency : public testing::TestWithParam<std::size_t> {};

TEST_P(concurrency, readers_writers_and_upkeep_do_not_disturb_each_other) {
  simulated_disk disk{1};
  const system_clock clock;
  const auto log =
      open({.directory = "/log", .tail_bytes = GetParam(), .file_system = disk.file_system()},
           clock)
          .value();
  ASSERT_TRUE(log->ensure_topic({"t", partitions, {{"retention.bytes", "0"}}, {}}).has_value());
  // Known before anything is written, so that retention waits for them.
  for (const char* group : {"a", "b"})
    log->open_consumer({.group = group, .topics = {"t"}, .start_at = {}, .on_ready = {}})->reset();
  std::atomic<bool> is_done = false;
  std::int64_t deleted = 0;
  std::jthread upkeep{[&] {
    while (!is_done) {
      const auto done = log->maintain();
      ASSERT_TRUE(done.has_value()) << done.error().message;
      deleted += done->records_deleted;
      const auto all = log->topics();
      ASSERT_TRUE(all.has_value());
      log->state().find("s", {}, "w0").ignore("only that it may be called");
    }
  }};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i != writers; ++i) threads.emplace_back([&, i] { write_all(*log, i); });
    for (const char* group : {"a", "b"})
      threads.emplace_back([&, group] { read_all(*log, group); });
  }
  is_done = true;
  upkeep.join();
  const auto rest = log->maintain();
  ASSERT_TRUE(rest.has_value());
  EXPECT_EQ(deleted + rest->records_deleted, records_per_partition * partitions);
}

TEST_P(concurrency, a_fenced_producer_leaves_nothing_behind_its_successor) {
  simulated_disk disk{1};
  const virtual_clock clock;
  const auto log =
      open({.directory = "/log", .tail_bytes = GetParam(), .file_system = disk.file_system()},
           clock)
          .value();
  ASSERT_TRUE(log->ensure_topic({"t", 1, {}, {}}).has_value());
  const topic_partition source{"t", partition_id{0}};
  for (int round = 0; round != 20; ++round) {
    std::binary_semaphore begun{0};
    std::jthread old{[&] {
      auto out = log->open_producer({.transactional_id = "same"}).value();
      record_buffer records;
      records.append({}, "x");
      transaction changes;
      changes.outputs.push_back({"t", partition_id{0}, &records});
      result<void> done;
      for (bool first = true; done; first = false) {
        done = out->commit(changes);
        if (first) begun.release();
      }
      EXPECT_EQ(done.error().code, errc::fenced);
    }};
    begun.acquire();
    const auto next = log->open_producer({.transactional_id = "same"}).value();
    const auto end = log->topic("t")->partitions[0].end;
    old.join();
    EXPECT_EQ(log->topic("t")->partitions[0].end, end);
  }
}

INSTANTIATE_TEST_SUITE_P(tail_bytes, concurrency, testing::Values(0, 1000, 1 << 20));

}  // namespace
}  // namespace cloudflow::pubsub::embedded
