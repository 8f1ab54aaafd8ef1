#pragma once

#include "cloudflow/pubsub/kafka/session_fixture.test.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace cloudflow::pubsub::kafka {

using entries = std::map<std::string, std::string>;

/// Two directories: of a process, and of another one on another machine.
class kafka_state : public kafka_session {
protected:
  ~kafka_state() override {
    std::error_code left_behind;
    std::filesystem::remove_all(directory_, left_behind);
  }
  options in(std::string_view directory) const {
    auto all = wanted();
    all.state_directory = directory_ / directory;
    return all;
  }
  static void bring(backend& log, const std::string& owner, std::int32_t partitions) {
    const auto made = log.ensure_state(owner, partitions);
    ASSERT_TRUE(made.has_value()) << made.error().message;
    for (std::int32_t p = 0; p != partitions; ++p) {
      ASSERT_TRUE(eventually([&] {
        const auto is_here = log.restore(owner, partition_id{p}, [] {});
        EXPECT_TRUE(is_here.has_value()) << is_here.error().message;
        return !is_here || *is_here;
      }));
    }
  }
  static entries all(const backend& log, std::string_view store, std::int32_t partition) {
    entries found;
    const auto scanned =
        log.state().scan(store, partition_id{partition}, {}, [&](auto key, auto value) {
          found.emplace(key, value);
          return true;
        });
    EXPECT_TRUE(scanned.has_value()) << scanned.error().message;
    return found;
  }
  static result<void> put(producer& by, std::string_view store, std::int32_t partition,
                          const std::map<std::string, std::optional<std::string>>& values) {
    transaction changes;
    for (const auto& [key, value] : values)
      changes.state.push_back({store, partition_id{partition}, key, value});
    return by.commit(changes);
  }

  const std::filesystem::path directory_ =
      std::filesystem::temp_directory_path() / unique_name("cloudflow-state");
};

}  // namespace cloudflow::pubsub::kafka
