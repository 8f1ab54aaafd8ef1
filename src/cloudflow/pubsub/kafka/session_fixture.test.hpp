#pragma once

#include "cloudflow/pubsub/kafka/broker_fixture.hpp"
#include "cloudflow/pubsub/kafka/cluster.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflow::pubsub::kafka {

inline const system_clock clock_of_tests;

/// Wakes a test when a consumer or producer calls.
class bell {
public:
  std::function<void()> ringer() {
    return [this] { ring(); };
  }
  void ring() {
    const std::lock_guard lock{mutex_};
    has_rung_ = true;
    changed_.notify_one();
  }
  /// Until it rings, a tick at most: what a test waits for may happen silently.
  void wait() {
    std::unique_lock lock{mutex_};
    changed_.wait_for(lock, std::chrono::milliseconds{20}, [this] { return has_rung_; });
    has_rung_ = false;
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool has_rung_ = false;
};

/// Asks until it is so. False, when it is not for longer than anything here can take.
template <class Predicate>
bool eventually(Predicate&& is_so, std::chrono::seconds patience = std::chrono::seconds{60}) {
  bell never;
  const auto end = clock_of_tests.monotonic() + patience;
  while (!is_so()) {
    if (clock_of_tests.monotonic() > end) return false;
    never.wait();
  }
  return true;
}

/// A consumer and what it has said so far.
class member {
public:
  member(backend& log, consumer_options wanted) {
    wanted.on_ready = bell_.ringer();
    auto opened = log.open_consumer(wanted);
    if (!opened) throw std::runtime_error{opened.error().message};
    consumer_ = std::move(opened).value();
  }

  consumer& operator*() const { return *consumer_; }
  consumer* operator->() const { return consumer_.get(); }

  /// What poll_assignments() says, taken down. Releases what is revoked, unless told otherwise.
  void poll_assignments() {
    const auto changes = consumer_->poll_assignments();
    if (!changes) throw std::runtime_error{changes.error().message};
    for (const auto& change : *changes) {
      said.push_back(change);
      if (change.what == assignment::kind::assigned) {
        next[change.source] = change.next;
      } else {
        next.erase(change.source);
        if (releases) consumer_->release(change.source);
      }
    }
  }
  std::set<topic_partition> owned() const {
    std::set<topic_partition> all;
    for (const auto& [source, at] : next) all.insert(source);
    return all;
  }
  std::vector<topic_partition> told(assignment::kind what) const {
    std::vector<topic_partition> all;
    for (const auto& change : said)
      if (change.what == what) all.push_back(change.source);
    return all;
  }

  bool releases = true;
  std::vector<assignment> said;
  std::map<topic_partition, record_offset> next;

private:
  bell bell_;
  std::unique_ptr<consumer> consumer_;
};

/// A broker that tests share, with topics and groups of the test's own.
class kafka_session : public testing::Test {
protected:
  options wanted() const {
    return {.connection = {{"bootstrap.servers", shared_broker()}},
            .application = application_,
            .catalog_topic = application_ + ".catalog"};
  }
  std::unique_ptr<backend> open_session() const { return open_session(wanted()); }
  static std::unique_ptr<backend> open_session(const options& wanted) {
    auto opened = open(wanted, clock_of_tests);
    if (!opened) throw std::runtime_error{opened.error().message};
    return std::move(opened).value();
  }
  std::string named(std::string_view what) const { return application_ + "." + std::string{what}; }
  std::string create(backend& log, std::string_view what, std::int32_t partitions,
                     const std::map<std::string, std::string>& properties = {}) const {
    const auto made =
        log.ensure_topic({.name = named(what), .partitions = partitions, .properties = properties});
    EXPECT_TRUE(made.has_value()) << made.error().message;
    return named(what);
  }
  std::unique_ptr<producer> open_producer(backend& log, std::string_view id,
                                          guarantee delivery = guarantee::exactly_once) const {
    auto opened = log.open_producer({.transactional_id = named(id), .delivery = delivery});
    if (!opened) throw std::runtime_error{opened.error().message};
    return std::move(opened).value();
  }

private:
  const std::string application_ = unique_name("app");
};

inline record_buffer records_of(const std::vector<std::string>& values) {
  record_buffer records;
  for (const auto& value : values) records.append({}, value);
  return records;
}

inline std::vector<std::string> numbers(int from, int to) {
  std::vector<std::string> all;
  for (; from != to; ++from) all.push_back(std::to_string(from));
  return all;
}

/// Writes in one transaction.
inline result<void> write(producer& to, const topic_partition& where,
                          const std::vector<std::string>& values) {
  const auto records = records_of(values);
  transaction changes;
  changes.outputs.push_back({where.topic, where.partition, &records});
  return to.commit(changes);
}

/// Takes until there are `count` values.
inline std::vector<std::string> fetch(consumer& from, const topic_partition& source,
                                      std::size_t count, fetch_limits limits = {}) {
  std::vector<std::string> values;
  const auto got_all = eventually([&] {
    while (true) {
      const auto batch = from.fetch(source, limits);
      if (!batch) {
        ADD_FAILURE() << batch.error().message;
        return true;
      }
      if (batch->empty()) return values.size() >= count;
      for (const auto& record : batch->records()) values.emplace_back(record.value);
    }
  });
  EXPECT_TRUE(got_all) << "got " << values.size() << " of " << count;
  return values;
}

}  // namespace cloudflow::pubsub::kafka
