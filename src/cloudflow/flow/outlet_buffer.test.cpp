#include "cloudflow/flow/outlet_buffer.hpp"

#include "cloudflow/flow/boundary.hpp"
#include "cloudflow/flow/origin.hpp"

#include <gtest/gtest.h>

#include <string>

namespace cloudflow::flow {
namespace {

void append(outlet_buffer& to, std::size_t size) {
  to.append("k", [size](byte_writer& w) { w.put_raw(std::string(size, 'x')); });
}

TEST(outlet_buffer, keeps_no_record_that_is_too_large_for_its_topic_and_takes_the_next_one) {
  outlet_buffer out{1};
  out.set_limit("t", 100);
  append(out, 50);
  EXPECT_THROW(append(out, 200), record_too_large);
  EXPECT_TRUE(out.has_refused());
  append(out, 60);
  const auto& records = out.by_partition()[0];
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records.value(records.entries()[0]).size(), 50u);
  EXPECT_EQ(records.value(records.entries()[1]).size(), 60u);
  EXPECT_EQ(out.size(), 2u);
}

TEST(changes, count_the_bytes_of_records_that_were_rejected) {
  changes c;
  c.rejected.push_back({{.key = "key", .value = "value"}, "why"});
  c.rejected.push_back({{.value = "without key"}, "why"});
  EXPECT_EQ(c.byte_size(), 3u + 5u + 11u);
}

}  // namespace
}  // namespace cloudflow::flow
