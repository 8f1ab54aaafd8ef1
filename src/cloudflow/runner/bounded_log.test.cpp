#include "cloudflow/runner/bounded_log.hpp"

#include "cloudflow/pubsub/forwarding.test.hpp"

namespace cloudflow::runner {
namespace {

using pubsub::topic_partition;

TEST(bounded_log, passes_every_call_on) {
  pubsub::expect_everything_forwarded(
      [](pubsub::backend& log) { return std::make_unique<bounded_log>(log, bounded_log::ends{}); });
}

TEST(bounded_log, ends_where_it_is_told_to_whoever_asks) {
  pubsub::counting_backend inside;
  const topic_partition at{"t", partition_id{0}};
  bounded_log log{inside, {{at, record_offset{-1}}}};
  record_offset end{7};
  log.ask_end(at, [&](const pubsub::result<record_offset>& found) { end = *found; });
  EXPECT_EQ(end, record_offset{-1});
}

}  // namespace
}  // namespace cloudflow::runner
