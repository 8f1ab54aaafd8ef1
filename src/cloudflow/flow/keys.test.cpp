#include "cloudflow/state/keys.hpp"

#include "cloudflow/flow/harness.test.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace cloudflow::testing {
namespace {

enum class grade : std::uint8_t { low, high };

struct place {
  std::string town;
  std::int64_t house = 0;
  std::optional<std::string> floor{};
};

template <class Key>
std::string text_of(const Key& key) {
  byte_writer space;
  return std::string{detail::key_text(key, space)};
}

// -- what is a key --------------------------------------------------------------------------------

template <class T>
inline constexpr bool can_be_key = detail::key_type<T>;
static_assert(can_be_key<std::string> && can_be_key<std::string_view> && can_be_key<bool> &&
              can_be_key<int> && can_be_key<grade> && can_be_key<timestamp> &&
              can_be_key<std::chrono::seconds> && can_be_key<std::pair<std::string, int>> &&
              can_be_key<std::tuple<int, bool, grade>> && can_be_key<std::array<int, 2>> &&
              can_be_key<place> && can_be_key<std::optional<std::string>>);
static_assert(!can_be_key<double> && !can_be_key<std::vector<int>> &&
              !can_be_key<std::pair<int, double>> && !can_be_key<std::map<int, int>> &&
              !can_be_key<std::optional<std::optional<int>>>);
static_assert(detail::has_key_text<double>);

TEST(fault_b10, the_text_of_several_fields_tells_where_each_of_them_ends) {
  EXPECT_EQ(text_of(std::pair{std::string{"a"}, 7}), "a|7");
  EXPECT_EQ(text_of(std::tuple{true, grade::high, at(2)}), "true|high|2000");
  EXPECT_EQ(text_of(place{"Ulm|Süd", 3, "1\\2"}), "Ulm\\|Süd|3|1\\\\2");
  EXPECT_EQ(text_of(place{"", 0, std::nullopt}), "|0|\\-");
  EXPECT_EQ(text_of(std::string{"a|b"}), "a|b");  // alone it is as it is
  EXPECT_EQ(text_of(false), "false");
  EXPECT_EQ(text_of(1.5), "1.5");
}

using several = std::tuple<std::string, std::optional<std::string>, std::string>;

rc::Gen<std::string> short_texts() {
  return rc::gen::container<std::string>(rc::gen::elementOf(std::string{"a|\\-"}));
}
rc::Gen<several> several_texts() {
  return rc::gen::tuple(
      short_texts(),
      rc::gen::oneOf(
          rc::gen::just(std::optional<std::string>{}),
          rc::gen::map(short_texts(), [](std::string s) { return std::optional{std::move(s)}; })),
      short_texts());
}

RC_GTEST_PROP(fault_b10, different_keys_have_different_texts, ()) {
  const auto some = *rc::gen::container<std::vector<several>>(50, several_texts());
  std::map<std::string, several> by_text;
  for (const auto& key : some) {
    const auto [at, is_new] = by_text.emplace(text_of(key), key);
    RC_ASSERT(is_new || at->second == key);
  }
}

TEST(fault_b10, a_key_that_borrows_finds_the_one_that_owns) {
  const detail::key_hash hash;
  const std::pair<std::string_view, int> borrows{"a", 1};
  const std::pair<std::string, int> owns{"a", 1}, other{"a", 2};
  EXPECT_EQ(hash(borrows), hash(owns));
  EXPECT_TRUE(detail::key_equal(owns, borrows));
  EXPECT_FALSE(detail::key_equal(other, borrows));
  EXPECT_TRUE(detail::key_equal(place{"a", 1, "b"}, place{"a", 1, "b"}));
  EXPECT_FALSE(detail::key_equal(place{"a", 1, "b"}, place{"a", 1, {}}));
  EXPECT_FALSE(detail::key_equal(place{"a", 1, "b"}, place{"a", 1, "c"}));
  EXPECT_TRUE(detail::key_equal(place{"a", 1, {}}, place{"a", 1, {}}));
}

// -- state by such a key --------------------------------------------------------------------------

template <class KeyOf>
struct counting {
  inlet<line> in{"in"};
  outlet<count> out{"out", key([](const count::view& c) { return std::pair{c.app, c.lines}; })};
  state<std::int64_t> seen{"seen"};
  auto logic() const {
    return from(in)
        .key_by(KeyOf{})
        .fold(seen, [](std::int64_t n, const line::view&) { return n + 1; })
        .map([](const auto& k) {
          return count{text_of(k.key), {}, k.value};
        })
        .to(out);
  }
};

using lines = std::vector<line>;
const lines arriving{{"a", at(0), "x"}, {"b", at(0), "x"}, {"a", at(0), "x"}, {"a", at(1), "y"}};

template <class KeyOf>
std::map<std::string, std::int64_t> counted() {
  const counting<KeyOf> s;
  harness<counting<KeyOf>> h{s, {&s.out}, {&s.seen}, 1};
  for (std::size_t i = 0; i != arriving.size(); ++i) {
    h.run(arriving, 1, 1);
    h.commit();
    h.kill();  // what comes next is read from the store
  }
  std::map<std::string, std::int64_t> last;
  for (const auto& c : h.template output<count>(0)) last[c.app] = c.lines;
  return last;
}

struct by_pair {
  auto operator()(const line::view& l) const { return std::pair{l.app, l.text}; }
};
struct by_struct {
  auto operator()(const line::view& l) const { return place{std::string{l.app}, 1, "up"}; }
};
struct by_bool {
  bool operator()(const line::view& l) const { return l.app == "a"; }
};
struct by_grade {
  grade operator()(const line::view& l) const { return l.app == "a" ? grade::high : grade::low; }
};
struct by_span {
  auto operator()(const line::view& l) const {
    return std::chrono::floor<std::chrono::seconds>(l.time).time_since_epoch();
  }
};

TEST(fault_b10, state_is_kept_by_several_fields_and_by_bool) {
  using expected = std::map<std::string, std::int64_t>;
  EXPECT_EQ(counted<by_pair>(), (expected{{"a|x", 2}, {"a|y", 1}, {"b|x", 1}}));
  EXPECT_EQ(counted<by_struct>(), (expected{{"a|1|up", 3}, {"b|1|up", 1}}));
  EXPECT_EQ(counted<by_bool>(), (expected{{"false", 1}, {"true", 3}}));
  EXPECT_EQ(counted<by_grade>(), (expected{{"high", 3}, {"low", 1}}));
  EXPECT_EQ(counted<by_span>(), (expected{{"0", 3}, {"1", 1}}));
}

TEST(fault_b10, an_outlet_writes_a_key_of_several_fields) {
  const counting<by_pair> s;
  byte_writer space;
  EXPECT_EQ(s.out.key_of(count::view{"a|b", {}, 3}, space), "a\\|b|3");
}

// -- text that is none ----------------------------------------------------------------------------

struct spoiling {
  inlet<line> in{"in"};
  outlet<line> out{"out", key([](const line::view& l) { return l.app; })};
  auto logic() const {
    return from(in)
        .map([](const line::view& l) {
          auto spoilt = to_owned(l);
          if (l.text == "text") spoilt.text = "\xFF";
          if (l.text == "key") spoilt.app = "a\xC3";
          return spoilt;
        })
        .to(out);
  }
};

TEST(fault_b5, text_that_is_not_utf8_is_refused_at_an_outlet_with_the_record_to_blame) {
  const spoiling s;
  for (const std::string what : {"text", "key"}) {
    harness<spoiling> h{s, {&s.out}, {}};
    try {
      h.run({{"a", at(0), "good"}, {"a", at(0), what}}, 10);
      FAIL() << "it has been written";
    } catch (const flow::failure& e) {
      EXPECT_EQ(e.from.offset, record_offset{1});
      EXPECT_NE(std::string{e.what()}.find("outlet `out`"), std::string::npos) << e.what();
      EXPECT_NE(std::string{e.what()}.find("not UTF-8"), std::string::npos) << e.what();
    }
  }
}

// -- fold() ---------------------------------------------------------------------------------------

struct by_app {
  std::string_view operator()(const line::view& l) const { return l.app; }
};

TEST(fault_a8, what_fold_returns_for_a_state_by_value_becomes_the_state) {
  EXPECT_EQ(counted<by_app>(), (std::map<std::string, std::int64_t>{{"a", 3}, {"b", 1}}));
}

}  // namespace
}  // namespace cloudflow::testing
