/// What every `pubsub::backend` has to do, as parameterised tests. A backend's own test program links
/// `cloudflow::pubsub_conformance` and says:
///
///     INSTANTIATE_TEST_SUITE_P(mine, backend_conformance, testing::Values(under_test{"mine", make}), name_of);
#pragma once

#include "cloudflow/pubsub/backend.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
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
  /// Makes records older by that much.
  virtual void advance(std::chrono::milliseconds by) = 0;
  /// Has retention applied now. Returns false where that cannot be had; tests of retention are then skipped.
  virtual bool apply_retention() = 0;
  /// Whether a transaction over several outputs, state and positions is one.
  virtual bool is_atomic() const = 0;
};

struct under_test {
  std::string name;
  std::function<std::unique_ptr<environment>()> make;
};

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

class backend_conformance : public testing::TestWithParam<under_test> {
protected:
  void SetUp() override;

  backend& log() { return environment_->log(); }
  environment& world() { return *environment_; }

  // Each of these fails the test when the backend does not do it.
  void create(const std::string& topic, std::int32_t partitions = 1,
              const std::map<std::string, std::string>& properties = {});
  std::unique_ptr<producer> open_producer(const std::string& id = "writer");
  std::unique_ptr<consumer> open_consumer(
      const std::string& group, const std::vector<std::string>& topics,
      consumer_options::start start = consumer_options::start::earliest);
  void write(producer& to, const topic_partition& where, const std::vector<std::string>& values);
  void commit_position(producer& by, const std::string& group, const topic_partition& source,
                       std::int64_t next);
  /// All records from `from` to the end.
  std::vector<plain_record> read_all(const topic_partition& source, std::int64_t from = 0);
  /// Takes until there is nothing more.
  std::vector<std::string> take_all(consumer& from, const topic_partition& source,
                                    fetch_limits limits = {});

private:
  std::unique_ptr<environment> environment_;
};

inline const topic_partition t0{"t", partition_id{0}};
inline const topic_partition t1{"t", partition_id{1}};
inline const topic_partition in0{"in", partition_id{0}};

/// The numbers from `from` to before `to`, as text.
std::vector<std::string> numbered(int from, int to);
plain_record plain(const record_view& record);
std::vector<std::string> values_of(const std::vector<plain_record>& records);

}  // namespace cloudflow::pubsub::conformance
