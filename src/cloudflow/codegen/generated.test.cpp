#include "codegen_test_schemas/everything.hpp"
#include "codegen_test_schemas/log_message.hpp"
#include "codegen_test_schemas/tree.hpp"

#include "cloudflow/schema/avro_schema.hpp"

#include <gtest/gtest.h>

namespace {

using cloudflow::byte_writer;
using cloudflow::codec;
using logproc::data::log_message;

static_assert(cloudflow::encodable<log_message> && cloudflow::owning<log_message>);
static_assert(!cloudflow::owning<log_message::view> && cloudflow::owning<tree>);
static_assert(std::is_nothrow_move_constructible_v<log_message>);
static_assert(codec<log_message>::name_of(&log_message::log_type) == "logType");
static_assert(codec<log_message>::member(&log_message::line) == &log_message::view::line);

template <class T>
std::string encoded(const T& value) {
  byte_writer out;
  codec<cloudflow::owned_of<T>>::encode(value, out);
  return std::string{out.view()};
}

const log_message message{
    "payments", cloudflow::timestamp{std::chrono::milliseconds{1'445'191'307'978}},
    "WARN",     "slow",
    "a.log",    7};

TEST(generated_record, comes_back_from_its_bytes_as_it_was) {
  const auto bytes = encoded(message);
  log_message::view view;
  ASSERT_TRUE(codec<log_message>::decode(bytes, view));
  EXPECT_EQ(view.app, "payments");
  EXPECT_EQ(view.log_type, "WARN");
  EXPECT_EQ(codec<log_message>::own(view), message);
  EXPECT_EQ(encoded(view), bytes);
  EXPECT_EQ(codec<log_message>::borrow(message), view);
}

TEST(generated_record, does_not_decode_from_any_part_of_its_bytes_nor_from_more) {
  const auto bytes = encoded(message);
  log_message::view view;
  for (std::size_t size = 0; size != bytes.size(); ++size)
    EXPECT_FALSE(codec<log_message>::decode(std::string_view{bytes}.substr(0, size), view)) << size;
  EXPECT_FALSE(codec<log_message>::decode(bytes + '\0', view));
}

TEST(generated_record, carries_its_schema_and_its_fingerprint) {
  const auto schema = cloudflow::schema::parse_avro(codec<log_message>::schema_text);
  ASSERT_TRUE(schema);
  EXPECT_EQ(schema->name(), codec<log_message>::schema_name);
  EXPECT_EQ(schema->fingerprint(), codec<log_message>::fingerprint);
}

}  // namespace
