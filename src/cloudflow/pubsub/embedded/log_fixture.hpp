#pragma once

#include "cloudflow/pubsub/embedded/log.hpp"
#include "cloudflow/pubsub/embedded/test_directory.hpp"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflow::pubsub::embedded {

inline const topic_partition t0{"t", partition_id{0}};

inline void write(log& to, std::string_view topic, const std::vector<std::string>& values) {
  record_buffer records;
  for (const auto& value : values) records.append({}, value);
  transaction changes;
  changes.outputs.push_back({topic, partition_id{0}, &records});
  auto out = to.open_producer({.transactional_id = "test"}).value();
  const auto done = out->commit(changes);
  ASSERT_TRUE(done.has_value()) << done.error().message;
}

inline result<void> commit_position(log& to, std::string_view group, std::int64_t next) {
  transaction changes;
  changes.positions.push_back({group, "t", partition_id{0}, record_offset{next}});
  return to.open_producer({.transactional_id = "test"}).value()->commit(changes);
}

inline std::vector<std::string> values(const backend& from, std::int64_t at = 0) {
  std::vector<std::string> found;
  const auto batch = from.read(t0, record_offset{at}, {100'000, 1 << 30});
  EXPECT_TRUE(batch.has_value()) << batch.error().message;
  if (batch)
    for (const auto& record : batch->records()) found.emplace_back(record.value);
  return found;
}

inline record_offset first_of(const log& of) { return of.topic("t")->partitions.at(0).first; }

/// Logs in a directory of the test's own.
class embedded_log : public testing::Test {
protected:
  std::unique_ptr<log> open_log(options how = {}) {
    how.directory = log_directory();
    auto opened = open(how, clock_);
    EXPECT_TRUE(opened.has_value()) << opened.error().message;
    return std::move(opened).value();
  }
  void create(log& in, std::map<std::string, std::string> properties = {}) {
    ASSERT_TRUE(in.ensure_topic({"t", 1, std::move(properties), {}}).has_value());
  }

  std::filesystem::path log_directory() const { return directory_.path() / "log"; }

  test_directory directory_;
  virtual_clock clock_;
};

}  // namespace cloudflow::pubsub::embedded
