/// What every `pubsub::backend` has to do, as parameterised tests. A backend's own test program
/// links `cloudflow::pubsub_conformance` and says:
///
///     INSTANTIATE_TEST_SUITE_P(mine, backend_conformance, testing::Values(under_test{"mine",
///     make}), name_of);
///
/// The tests hold for a log in this process and for one in a cluster: they wait for what may take
/// its time, and offsets of records need not be without gaps beyond one transaction. A backend
/// whose time a test can move instantiates `timed_conformance` as well.
#pragma once

#include "cloudflow/pubsub/backend.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace cloudflow::pubsub::conformance {

/// One durable log that lives as long as a test, and the sessions with it.
class environment {
public:
  virtual ~environment() = default;
  /// The open session.
  virtual backend& log() = 0;
  /// Ends the session in good order and opens another.
  virtual void reopen() = 0;
  /// Waits until what has been committed can be read: in a cluster that comes a moment after the
  /// commit.
  virtual void settle(const topic_partition& where) { (void)where; }

  // For timed_conformance alone.

  /// Makes records older by that much.
  virtual void advance(std::chrono::milliseconds by) { (void)by; }
  /// Has retention applied now.
  virtual void apply_retention() {}
};

struct under_test {
  std::string name;
  std::function<std::unique_ptr<environment>()> make;
};

/// For messages, and for the names of tests, which have to be the same in every run.
inline void PrintTo(const under_test& one, std::ostream* to) { *to << one.name; }

inline std::string name_of(const testing::TestParamInfo<under_test>& info) {
  return info.param.name;
}

/// A record as tests compare it.
struct plain_record {
  std::optional<std::string> key, value;
  std::vector<std::pair<std::string, std::string>> headers;
  std::int64_t offset = 0;

  bool operator==(const plain_record&) const = default;
};

/// What another thread says: there may be something new.
class bell {
public:
  void ring();
  /// Until it rings, but not for long: not everything that is waited for rings.
  void wait();

private:
  std::mutex mutex_;
  std::condition_variable rung_;
  bool has_rung_ = false;
};

/// Waits until `f` is true, and fails the test when that takes too long.
bool eventually(const std::function<bool()>& f, bell& news);
bool eventually(const std::function<bool()>& f);

/// A consumer as tests use it: waits for what the log takes its time for.
class member {
public:
  member(environment& world, consumer_options wanted);

  consumer* operator->() { return consumer_.get(); }
  void close() { consumer_.reset(); }
  /// Waits until that many partitions have been assigned; returns them in order.
  std::vector<assignment> assigned(std::size_t count = 1);
  void seek(const topic_partition& source, record_offset next);
  /// Takes until the end of the partition, as it is now.
  std::vector<std::string> take_all(const topic_partition& source, fetch_limits limits = {});
  /// The next batch that is not empty.
  record_batch fetch(const topic_partition& source, fetch_limits limits = {});

private:
  environment& world_;
  std::unique_ptr<bell> news_ = std::make_unique<bell>();
  std::unique_ptr<consumer> consumer_;
  std::map<topic_partition, record_offset> next_;
};

/// One behind the newest record.
record_offset end_of(const topic_partition& source, environment& world);

class backend_conformance : public testing::TestWithParam<under_test> {
protected:
  void SetUp() override;

  backend& log() { return environment_->log(); }
  environment& world() { return *environment_; }

  // Each of these fails the test when the backend does not do it.
  void create(const std::string& topic, std::int32_t partitions = 1,
              const std::map<std::string, std::string>& properties = {});
  std::unique_ptr<producer> open_producer(const std::string& id = "writer");
  member open_consumer(const std::string& group, const std::vector<std::string>& topics,
                       consumer_options::start start = consumer_options::start::earliest);
  void write(producer& to, const topic_partition& where, const std::vector<std::string>& values);
  void commit_position(producer& by, const std::string& group, const topic_partition& source,
                       std::int64_t next);
  /// Makes the state of a streamlet's tasks readable and writable here.
  void bring_state(const std::string& owner, std::int32_t partitions);
  /// All records from `from` to the end.
  std::vector<plain_record> read_all(const topic_partition& source, std::int64_t from = 0);
  record_offset end_of(const topic_partition& source) {
    return conformance::end_of(source, world());
  }

private:
  std::unique_ptr<environment> environment_;
};

/// For backends whose time a test can move.
class timed_conformance : public backend_conformance {};

inline const topic_partition t0{"t", partition_id{0}};
inline const topic_partition t1{"t", partition_id{1}};
inline const topic_partition in0{"in", partition_id{0}};

/// The numbers from `from` to before `to`, as text.
std::vector<std::string> numbered(int from, int to);
plain_record plain(const record_view& record);
std::vector<std::string> values_of(const std::vector<plain_record>& records);

}  // namespace cloudflow::pubsub::conformance
