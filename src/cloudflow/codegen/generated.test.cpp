#include "codegen_test_schemas/envelope.hpp"
#include "codegen_test_schemas/everything.hpp"
#include "codegen_test_schemas/log_message.hpp"
#include "codegen_test_schemas/mail.hpp"
#include "codegen_test_schemas/tree.hpp"

#include "cloudflow/codegen/test_values.hpp"
#include "cloudflow/schema/avro_json.hpp"
#include "cloudflow/schema/avro_schema.hpp"

#include <gtest/gtest.h>

namespace {

using cloudflow::byte_writer;
using cloudflow::codec;
using cloudflow::schema::avro_schema;
using cloudflow::schema::json_form;
using logproc::data::envelope;
using logproc::data::log_message;
using test::all::everything;

// -- types ----------------------------------------------------------------------------------------

static_assert(cloudflow::encodable<log_message> && cloudflow::owning<log_message>);
static_assert(!cloudflow::owning<log_message::view> && cloudflow::owning<tree>);
static_assert(std::is_nothrow_move_constructible_v<log_message> &&
              std::is_nothrow_move_constructible_v<tree>);
static_assert(std::is_aggregate_v<log_message> && std::is_aggregate_v<log_message::view>);
static_assert(codec<log_message>::name_of(&log_message::log_type) == "logType");
static_assert(codec<log_message>::member(&log_message::line) == &log_message::view::line);
static_assert(codec<log_message>::member(&log_message::source) == &log_message::view::source);
static_assert(std::same_as<decltype(everything::maybe), std::optional<std::string>>);
static_assert(std::same_as<decltype(everything::at), cloudflow::timestamp>);
static_assert(std::same_as<decltype(everything::class_), std::int32_t>);
static_assert(std::same_as<decltype(everything::view_), std::int32_t>);
static_assert(std::same_as<decltype(tree::next), std::optional<cloudflow::box<tree>>>);

// -- every kind of record -------------------------------------------------------------------------

template <class T>
std::string encoded(const T& value) {
  byte_writer out;
  codec<cloudflow::owned_of<T>>::encode(value, out);
  return std::string{out.view()};
}

std::string to_json(const avro_schema& schema, std::string_view bytes) {
  std::string out;
  const auto done = cloudflow::schema::avro_to_json(schema, bytes, json_form::avro, out);
  return done ? out : done.error().message;
}

template <class T>
class any_generated_record : public testing::Test {
protected:
  const avro_schema schema = *cloudflow::schema::parse_avro(codec<T>::schema_text);
};
using records =
    testing::Types<log_message, envelope, everything, tree, post::bundle, test::inner::inner>;
TYPED_TEST_SUITE(any_generated_record, records);

TYPED_TEST(any_generated_record, carries_its_schema_and_its_fingerprint) {
  EXPECT_EQ(this->schema.name(), codec<TypeParam>::schema_name);
  EXPECT_EQ(this->schema.fingerprint(), codec<TypeParam>::fingerprint);
  EXPECT_EQ(codec<TypeParam>::schema_format, "avro");
}

TYPED_TEST(any_generated_record, reads_what_the_generic_decoder_reads) {
  cloudflow::codegen::value_maker values{this->schema, 1};
  for (int i = 0; i != 200; ++i) {
    const auto bytes = values.make();
    typename TypeParam::view view;
    ASSERT_TRUE(codec<TypeParam>::decode(bytes, view));
    EXPECT_EQ(encoded(view), bytes) << "a view is written as it was read";
    const auto owner = codec<TypeParam>::own(view);
    // Maps have lost double keys and have another order, so that two records are compared rather
    // than two texts.
    typename TypeParam::view again;
    const auto written = encoded(owner);
    ASSERT_TRUE(codec<TypeParam>::decode(written, again));
    EXPECT_EQ(codec<TypeParam>::own(again), owner);
    const auto borrowed = codec<TypeParam>::borrow(owner);
    EXPECT_EQ(encoded(borrowed), written);
    EXPECT_EQ(borrowed, again);
    if (this->schema.text().find("\"map\"") == std::string::npos) {
      EXPECT_EQ(to_json(this->schema, written), to_json(this->schema, bytes));
      EXPECT_EQ(view, again);
    }
  }
}

TYPED_TEST(any_generated_record, accepts_bytes_exactly_when_the_generic_decoder_does) {
  cloudflow::codegen::value_maker values{this->schema, 2};
  std::mt19937_64 random{3};
  for (int i = 0; i != 300; ++i) {
    auto bytes = values.make();
    for (auto n = random() % 3; n != 0 && !bytes.empty(); --n)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    bytes.resize(bytes.size() - random() % 2 * (bytes.empty() ? 0 : random() % bytes.size()));
    typename TypeParam::view view;
    std::string json;
    const bool good =
        cloudflow::schema::avro_to_json(this->schema, bytes, json_form::avro, json).has_value();
    ASSERT_EQ(codec<TypeParam>::decode(bytes, view), good) << json;
  }
}

TYPED_TEST(any_generated_record, comes_back_as_it_is_when_it_is_new) {
  const TypeParam fresh{};
  const auto bytes = encoded(fresh);
  typename TypeParam::view view;
  ASSERT_TRUE(codec<TypeParam>::decode(bytes, view));
  EXPECT_EQ(codec<TypeParam>::own(view), fresh);
}

// -- single things --------------------------------------------------------------------------------

TEST(generated_record, begins_with_the_defaults_of_its_schema) {
  const envelope fresh;
  EXPECT_EQ(fresh.attempts, 3);
  EXPECT_TRUE(fresh.urgent);
  EXPECT_EQ(fresh.weight, 1.5);
  EXPECT_EQ(fresh.subject, "no \"subject\"");
}

TEST(generated_enum, knows_its_symbols) {
  using test::all::level;
  EXPECT_EQ(to_text(level::warn), "WARN");
  EXPECT_EQ(to_text(level::class_), "class");
  EXPECT_EQ(to_text(static_cast<level>(99)), "");
  EXPECT_EQ(test::all::level_from_text("ERROR"), level::error);
  EXPECT_EQ(test::all::level_from_text("error"), std::nullopt);
}

TEST(generated_view, reads_arrays_and_maps_item_by_item) {
  everything owner;
  owner.numbers = {3, -1};
  owner.flags = {true, false, true};
  owner.names = {{"a", "1"}, {"b", "2"}};
  owner.inner_list = {{1, "x"}, {2, "y"}};
  owner.choice = std::vector<std::int64_t>{7};
  const auto bytes = encoded(owner);
  everything::view view;
  ASSERT_TRUE(codec<everything>::decode(bytes, view));
  for (const auto& v : {view, codec<everything>::borrow(owner)}) {
    EXPECT_EQ(std::vector<std::int32_t>(v.numbers.begin(), v.numbers.end()), owner.numbers);
    EXPECT_EQ(v.flags.size(), 3U);
    std::string names;
    for (const auto& [key, value] : v.names) ((names += key) += '=') += value;
    EXPECT_EQ(names, "a=1b=2");
    EXPECT_EQ(v.inner_list.begin()->b, "x");
    EXPECT_EQ(*std::get<4>(v.choice).begin(), 7);
  }
}

TEST(generated_view, of_a_recursive_record_is_read_one_level_at_a_time) {
  tree leaf;
  leaf.value = 2;
  tree root;
  root.value = 1;
  root.next = cloudflow::box{leaf};
  root.children = {leaf, leaf};
  const auto bytes = encoded(root);
  tree::view view;
  ASSERT_TRUE(codec<tree>::decode(bytes, view));
  EXPECT_EQ((**view.next).value, 2);
  EXPECT_EQ(view.children.size(), 2U);
  EXPECT_EQ(codec<tree>::own(view), root);
}

TEST(generated_record, refuses_bytes_that_nest_without_end) {
  tree::view view;
  for (const char byte : {'\0', '\x02', '\x04'})
    EXPECT_FALSE(codec<tree>::decode(std::string(1'000'000, byte), view));
}

}  // namespace
