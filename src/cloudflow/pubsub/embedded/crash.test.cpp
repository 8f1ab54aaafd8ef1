/// What is left of the log when the power goes off at any moment: everything that was committed,
/// nothing of what was not, and of the transaction that was being written all or nothing.
#include "cloudflow/pubsub/embedded/log.hpp"
#include "cloudflow/pubsub/embedded/simulated_disk.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace cloudflow::pubsub::embedded {
namespace {

const std::vector<topic_partition> sources{
    {"t", partition_id{0}}, {"t", partition_id{1}}, {"u", partition_id{0}}};

/// What a log holds.
struct contents {
  std::map<topic_partition, std::vector<std::string>> records;
  std::map<std::string, std::string> state;
  std::map<topic_partition, record_offset> positions;

  bool operator==(const contents&) const = default;
};

/// A transaction that owns what it refers to, and what it does to the contents.
class random_transaction {
public:
  random_transaction(std::mt19937_64& random, std::uint64_t number) {
    const auto pick = [&](std::uint64_t bound) { return random() % bound; };
    for (auto left = pick(4); left != 0; --left) {
      auto& [source, records] = outputs_.emplace_back();
      source = sources[pick(sources.size())];
      for (auto more = pick(5); more != 0; --more) {
        const auto size = pick(50) == 0 ? 20'000 : pick(100);
        records.append({}, std::to_string(number) + ":" + std::string(size, 'x'));
      }
    }
    for (auto left = pick(4); left != 0; --left)
      state_.emplace_back("k" + std::to_string(pick(10)),
                          pick(4) == 0 ? std::nullopt : std::optional{std::to_string(number)});
    positions_.emplace_back(sources[pick(sources.size())],
                            record_offset{static_cast<std::int64_t>(number)});
  }

  transaction view() const {
    transaction changes;
    for (const auto& [source, records] : outputs_)
      changes.outputs.push_back({source.topic, source.partition, &records});
    for (const auto& [key, value] : state_) changes.state.push_back({"s", {}, key, value});
    for (const auto& [source, next] : positions_)
      changes.positions.push_back({"g", source.topic, source.partition, next});
    return changes;
  }
  void apply_to(contents& model) const {
    for (const auto& [source, records] : outputs_)
      for (const auto& e : records.entries()) model.records[source].emplace_back(records.value(e));
    for (const auto& [key, value] : state_) {
      if (value)
        model.state[key] = *value;
      else
        model.state.erase(key);
    }
    for (const auto& [source, next] : positions_) model.positions[source] = next;
  }

private:
  std::vector<std::pair<topic_partition, record_buffer>> outputs_;
  std::vector<std::pair<std::string, std::optional<std::string>>> state_;
  std::vector<std::pair<topic_partition, record_offset>> positions_;
};

partition_range range_of(const log& from, const topic_partition& source) {
  return from.topic(source.topic)
      ->partitions.at(static_cast<std::size_t>(source.partition.value()));
}

/// The contents without what retention has deleted from the log.
contents kept(contents model, const log& by) {
  for (const auto& source : sources) {
    auto& values = model.records[source];
    const auto deleted = std::min<std::ptrdiff_t>(range_of(by, source).first.value(),
                                                  static_cast<std::ptrdiff_t>(values.size()));
    values.erase(values.begin(), values.begin() + deleted);
  }
  return model;
}

std::vector<std::string> values_of(const log& from, const topic_partition& source) {
  std::vector<std::string> values;
  auto next = range_of(from, source).first;
  while (true) {
    const auto batch = from.read(source, next, {});
    EXPECT_TRUE(batch.has_value()) << batch.error().message;
    if (!batch || batch->empty()) return values;
    for (const auto& record : batch->records()) {
      EXPECT_EQ(record.offset, next);
      ++next;
      values.emplace_back(record.value);
    }
  }
}

contents contents_of(const log& from) {
  contents found;
  for (const auto& source : sources) found.records[source] = values_of(from, source);
  from.state()
      .scan("s", {}, {},
            [&](std::string_view key, std::string_view value) {
              found.state.emplace(key, value);
              return true;
            })
      .ignore("a failed scan shows as a difference");
  for (const auto& source : sources)
    if (const auto next = from.position("g", source).value()) found.positions[source] = *next;
  return found;
}

/// A log on a disk whose power goes off.
class crashing_log {
public:
  explicit crashing_log(std::uint64_t seed, options how = {}) : disk_(seed), how_(std::move(how)) {
    how_.directory = "/log";
  }

  simulated_disk& disk() { return disk_; }
  log& operator*() { return *log_; }
  log* operator->() { return log_.get(); }

  /// Opens and creates the topics; false when the power goes off meanwhile.
  bool start(const std::map<std::string, std::string>& properties = {}) {
    disk_.power_on();
    how_.file_system = disk_.file_system();
    auto opened = open(how_, clock_);
    if (!opened) {
      EXPECT_TRUE(disk_.is_off()) << opened.error().message;
      return false;
    }
    log_ = std::move(opened).value();
    for (const auto& spec :
         {topic_spec{"t", 2, properties, {}}, topic_spec{"u", 1, properties, {}}})
      if (const auto made = log_->ensure_topic(spec); !made) {
        EXPECT_TRUE(disk_.is_off()) << made.error().message;
        return false;
      }
    return true;
  }
  void crash() {
    disk_.power_off();
    log_.reset();
  }

private:
  virtual_clock clock_;
  simulated_disk disk_;
  options how_;
  std::unique_ptr<log> log_;
};

constexpr int crashes_per_seed = 8;

class crash : public testing::TestWithParam<std::uint64_t> {
protected:
  std::mt19937_64 random_{GetParam()};
};

TEST_P(crash, what_was_committed_stays_and_nothing_else) {
  crashing_log log{GetParam()};
  contents model;
  std::uint64_t number = 0;
  for (int crashes = 0; crashes != crashes_per_seed; ++crashes) {
    log.disk().power_off_after(1 + random_() % 150);
    std::optional<random_transaction> in_flight;
    if (log.start()) {
      ASSERT_EQ(contents_of(*log), kept(model, *log));
      auto out = log->open_producer({.transactional_id = "w"}).value();
      while (!in_flight) {
        random_transaction next{random_, ++number};
        if (out->commit(next.view()))
          next.apply_to(model);
        else
          in_flight = std::move(next);
      }
      ASSERT_TRUE(log.disk().is_off());
      EXPECT_EQ(contents_of(*log), kept(model, *log)) << "a failed transaction is visible";
    }
    log.crash();
    ASSERT_TRUE(log.start());
    if (in_flight && contents_of(*log) != kept(model, *log)) in_flight->apply_to(model);
    ASSERT_EQ(contents_of(*log), kept(model, *log))
        << "after crash " << crashes << ", transaction " << number;
    log.crash();
  }
}

TEST_P(crash, what_retention_has_deleted_stays_deleted_and_the_rest_stays) {
  crashing_log log{GetParam(), {.directory = {}, .disk_bound = 400'000, .file_system = {}}};
  const std::map<std::string, std::string> properties{{"retention.bytes", "20000"}};
  contents model;
  std::map<topic_partition, record_offset> firsts;
  std::uint64_t number = 0;
  for (int crashes = 0; crashes != crashes_per_seed; ++crashes) {
    log.disk().power_off_after(1 + random_() % 400);
    std::optional<random_transaction> in_flight;
    if (log.start(properties)) {
      auto out = log->open_producer({.transactional_id = "w"}).value();
      while (!in_flight && !log.disk().is_off()) {
        random_transaction next{random_, ++number};
        const auto done = out->commit(next.view());
        if (done)
          next.apply_to(model);
        else if (done.error().code != errc::disk_full)
          in_flight = std::move(next);
        if (!done || random_() % 8 == 0) log->maintain().ignore("the power may be off");
      }
    }
    log.crash();
    ASSERT_TRUE(log.start(properties));
    if (in_flight && contents_of(*log) != kept(model, *log)) in_flight->apply_to(model);
    ASSERT_EQ(contents_of(*log), kept(model, *log))
        << "after crash " << crashes << ", transaction " << number;
    ASSERT_TRUE(log->maintain().has_value());
    for (const auto& source : sources) {
      const auto range = range_of(*log, source);
      EXPECT_GE(range.first, firsts[source]);
      EXPECT_EQ(range.end.value(), static_cast<std::int64_t>(model.records[source].size()));
      firsts[source] = range.first;
    }
    log.crash();
  }
}

TEST_P(crash, producers_that_commit_together_lose_nothing_either) {
  constexpr std::size_t writers = 3;
  crashing_log log{GetParam()};
  std::vector<int> attempted(writers, 0), committed(writers, 0);
  for (int crashes = 0; crashes != crashes_per_seed; ++crashes) {
    log.disk().power_off_after(60 + random_() % 200);
    if (log.start()) {
      std::vector<std::jthread> threads;
      for (std::size_t writer = 0; writer != writers; ++writer)
        threads.emplace_back([&, writer] {
          const auto name = "w" + std::to_string(writer);
          auto out = log->open_producer({.transactional_id = name}).value();
          while (true) {
            const auto number = std::to_string(committed[writer]);
            record_buffer records;
            records.append(name, number);
            transaction changes;
            for (const auto& source : sources)
              changes.outputs.push_back({source.topic, source.partition, &records});
            changes.state.push_back({"s", {}, name, number});
            attempted[writer] = committed[writer] + 1;
            if (!out->commit(changes)) return;
            ++committed[writer];
          }
        });
    }
    log.crash();
    ASSERT_TRUE(log.start());
    for (std::size_t writer = 0; writer != writers; ++writer) {
      const auto name = "w" + std::to_string(writer);
      const auto last = log->state().find("s", {}, name).value();
      const int count = last ? std::stoi(*last) + 1 : 0;
      EXPECT_GE(count, committed[writer]);
      EXPECT_LE(count, attempted[writer]);
      committed[writer] = count;
    }
    for (const auto& source : sources) {
      std::map<std::string, int> seen;
      const auto all = log->read(source, record_offset{0}, {1'000'000, 1'000'000'000});
      ASSERT_TRUE(all.has_value());
      for (const auto& record : all->records())
        EXPECT_EQ(record.value, std::to_string(seen[std::string{record.key}]++));
      for (std::size_t writer = 0; writer != writers; ++writer)
        EXPECT_EQ(seen["w" + std::to_string(writer)], committed[writer]);
    }
    log.crash();
  }
}

INSTANTIATE_TEST_SUITE_P(seeds, crash, testing::Range<std::uint64_t>(1, 7));

TEST(unsynced_commits, lose_only_the_newest_and_tear_none) {
  std::size_t lost = 0;
  for (std::uint64_t seed = 1; seed != 7; ++seed) {
    std::mt19937_64 random{seed};
    crashing_log log{seed, {.directory = {}, .sync_commits = false, .file_system = {}}};
    ASSERT_TRUE(log.start());
    auto out = log->open_producer({.transactional_id = "w"}).value();
    std::vector<contents> history(1);
    for (std::uint64_t number = 1; number != 40; ++number) {
      random_transaction next{random, number};
      ASSERT_TRUE(out->commit(next.view()).has_value());
      history.push_back(history.back());
      next.apply_to(history.back());
    }
    log.crash();
    ASSERT_TRUE(log.start());
    const auto found = contents_of(*log);
    const auto at = std::find_if(history.begin(), history.end(),
                                 [&](const contents& then) { return kept(then, *log) == found; });
    ASSERT_NE(at, history.end()) << "seed " << seed;
    lost += static_cast<std::size_t>(history.end() - at - 1);
  }
  EXPECT_GT(lost, 0u) << "the simulated disk loses nothing: the tests of this file prove nothing";
}

}  // namespace
}  // namespace cloudflow::pubsub::embedded
