#include "cloudflow/pubsub/embedded/log.hpp"

#include "cloudflow/pubsub/conformance.hpp"
#include "cloudflow/pubsub/embedded/test_directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cloudflow::pubsub::conformance {
namespace {

class embedded_environment final : public environment {
public:
  embedded_environment() { reopen(); }
  backend& log() override { return *log_; }
  void reopen() override {
    log_.reset();
    auto opened = embedded::open({.directory = directory_.path(), .file_system = {}}, clock_);
    if (!opened) throw std::runtime_error{opened.error().message};
    log_ = std::move(opened).value();
  }
  void advance(std::chrono::milliseconds by) override { clock_.advance(by); }
  bool apply_retention() override { return log_->maintain().has_value(); }
  bool is_atomic() const override { return true; }

private:
  embedded::test_directory directory_;
  virtual_clock clock_;
  std::unique_ptr<embedded::log> log_;
};

INSTANTIATE_TEST_SUITE_P(embedded, backend_conformance,
                         testing::Values(under_test{
                             "disk", [] { return std::make_unique<embedded_environment>(); }}),
                         name_of);

}  // namespace
}  // namespace cloudflow::pubsub::conformance
