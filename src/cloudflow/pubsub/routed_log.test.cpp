#include "cloudflow/pubsub/routed_log.hpp"

#include "cloudflow/pubsub/forwarding.test.hpp"

namespace cloudflow::pubsub {
namespace {

TEST(routed_log, passes_every_call_on) {
  expect_everything_forwarded([](backend& log) -> std::unique_ptr<backend> {
    return std::make_unique<routed_log>(routes{.logs = {&log}, .topics = {}, .streamlets = {}});
  });
}

TEST(routed_log, tells_why_one_of_its_logs_takes_no_producer) {
  counting_backend here, full;
  full.no_producers = {errc::disk_full, "full"};
  routed_log log{{.logs = {&here, &full}, .topics = {{"far", &full}}, .streamlets = {}}};
  const auto out =
      log.open_producer({.transactional_id = "w", .delivery = guarantee::at_least_once}).value();
  record_buffer records;
  records.append({}, "value");
  transaction changes;
  changes.outputs.push_back({"far", partition_id{0}, &records});
  const auto done = out->commit(changes);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "full");
}

}  // namespace
}  // namespace cloudflow::pubsub
