#include "cloudflow/pubsub/routed_log.hpp"

#include "cloudflow/pubsub/forwarding.test.hpp"

namespace cloudflow::pubsub {
namespace {

TEST(routed_log, passes_every_call_on) {
  expect_everything_forwarded([](backend& log) -> std::unique_ptr<backend> {
    return std::make_unique<routed_log>(routes{.logs = {&log}, .topics = {}, .streamlets = {}});
  });
}

}  // namespace
}  // namespace cloudflow::pubsub
