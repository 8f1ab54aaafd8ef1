// The suite of all backends, on a real broker.
#include "cloudflow/pubsub/conformance.hpp"

#include "cloudflow/pubsub/kafka/broker_fixture.hpp"
#include "cloudflow/pubsub/kafka/cluster.hpp"
#include "cloudflow/pubsub/kafka/internal/admin.hpp"
#include "cloudflow/pubsub/kafka/internal/connection.hpp"
#include "cloudflow/pubsub/kafka/prefixed.hpp"

#include <unistd.h>

#include <filesystem>
#include <stdexcept>

namespace cloudflow::pubsub::conformance {
namespace {

class kafka_environment final : public environment {
public:
  kafka_environment() { reopen(); }
  ~kafka_environment() override {
    log_.reset();
    std::error_code left_behind;
    std::filesystem::remove_all(directory_, left_behind);
  }
  backend& log() override { return *log_; }
  void reopen() override {
    log_.reset();
    auto opened = kafka::open(wanted_, clock_);
    if (!opened) throw std::runtime_error{opened.error().message};
    log_ = std::make_unique<kafka::prefixed_backend>(std::move(opened).value(), prefix_);
  }
  void settle(const topic_partition& where) override {
    const topic_partition real{prefix_ + where.topic, where.partition};
    eventually([&] {
      const auto committed = requests_.offsets({&real, 1}, kafka::offset_of::committed_end);
      return committed.value() == requests_.offsets({&real, 1}, kafka::offset_of::end).value();
    });
  }

private:
  const std::string application_ = kafka::unique_name("c");
  const std::string prefix_ = application_ + ".";
  const std::filesystem::path directory_ =
      std::filesystem::temp_directory_path() / ("cloudflow-" + application_);
  const system_clock clock_;
  const kafka::options wanted_{.connection = {{"bootstrap.servers", kafka::shared_broker()}},
                               .application = application_,
                               .state_directory = directory_,
                               .catalog_topic = prefix_ + "catalog"};
  const kafka::admin requests_{kafka::connection::make(wanted_, clock_).value()};
  std::unique_ptr<backend> log_;
};

INSTANTIATE_TEST_SUITE_P(kafka, backend_conformance,
                         testing::Values(under_test{
                             "broker", [] { return std::make_unique<kafka_environment>(); }}),
                         name_of);

}  // namespace
}  // namespace cloudflow::pubsub::conformance
