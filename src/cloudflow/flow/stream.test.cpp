#include "cloudflow/flow/streamlets.test.hpp"

#include <gtest/gtest.h>

namespace cloudflow::testing {
namespace {

const std::vector<line> three{
    {"shop", at(1), "one"}, {"pay", at(2), "two two"}, {"shop", at(3), "three"}};

std::vector<std::string> all_texts(const std::vector<line>& lines) {
  std::vector<std::string> all;
  for (const auto& l : lines) all.push_back(l.text);
  return all;
}

struct filtering {
  inlet<line> in{"in"};
  outlet<line> out{"out"};
  auto logic() const {
    return from(in).filter([](const line::view& l) { return l.app == "shop"; }).to(out);
  }
};

TEST(filter, keeps_the_records_for_which_the_function_is_true_in_order_for_every_batch_size) {
  for (const std::size_t size : {1, 2, 3, 1024}) {
    const filtering s;
    harness h{s, {&s.out}, {}};
    h.run(three, size);
    h.commit();
    EXPECT_EQ(all_texts(h.output<line>(0)), (std::vector<std::string>{"one", "three"})) << size;
  }
}

struct no_blank {
  std::string reason() const { return "a blank in it"; }
};

struct mapping {
  inlet<line> in{"in"};
  outlet<line> out{"out"};
  static result<line, no_blank> shout(const line::view& l) {
    if (l.text.find(' ') != l.text.npos) return no_blank{};
    return line{std::string{l.app}, l.time, std::string{l.text} + "!"};
  }
  auto logic() const { return from(in).map(shout).on_error<no_blank>(dead_letter).to(out); }
};

TEST(map, raises_the_error_of_its_result_and_goes_on_with_the_next_record) {
  const mapping s;
  harness h{s, {&s.out}, {}};
  h.run(three, 3);
  h.commit();
  EXPECT_EQ(all_texts(h.output<line>(0)), (std::vector<std::string>{"one!", "three!"}));
  EXPECT_EQ(h.rejected, (std::vector<std::string>{"a blank in it"}));
}

struct words {
  inlet<line> in{"in"};
  outlet<line> out{"out"};
  auto logic() const {
    return from(in)
        .flat_map([](const line::view& l) {
          std::vector<line> all;
          for (std::size_t from = 0; from < l.text.size();) {
            const auto end = std::min(l.text.find(' ', from), l.text.size());
            all.push_back(
                {std::string{l.app}, l.time, std::string{l.text.substr(from, end - from)}});
            from = end + 1;
          }
          return all;
        })
        .to(out);
  }
};

TEST(flat_map, makes_a_record_of_each_element) {
  const words s;
  harness h{s, {&s.out}, {}};
  h.run(three, 2);
  h.commit();
  EXPECT_EQ(all_texts(h.output<line>(0)), (std::vector<std::string>{"one", "two", "two", "three"}));
}

struct splitting {
  inlet<line> in{"in"};
  outlet<line> shop{"shop"};
  outlet<count> other{"other"};
  static std::variant<line, count> decide(const line::view& l) {
    if (l.app == "shop") return to_owned(l);
    return count{std::string{l.app}, l.time, 1};
  }
  auto logic() const {
    return from(in).map(decide).split(shop, [this](auto counts) { return counts.to(other); });
  }
};

TEST(split, sends_each_alternative_to_its_destination) {
  const splitting s;
  harness h{s, {&s.shop, &s.other}, {}};
  h.run(three, 3);
  h.commit();
  EXPECT_EQ(all_texts(h.output<line>(0)), (std::vector<std::string>{"one", "three"}));
  EXPECT_EQ(h.output<count>(1), (std::vector<count>{{"pay", at(2), 1}}));
}

TEST(fold, goes_on_from_the_committed_state_after_a_kill) {
  const totals s;
  harness h{s, {&s.out}, {&s.seen}};
  h.run(three, 1, 2);
  h.commit();
  h.run(three, 1);
  h.kill();
  h.run(three, 1);
  h.commit();
  EXPECT_EQ(h.output<count>(0),
            (std::vector<count>{{"shop", at(0), 1}, {"pay", at(0), 1}, {"shop", at(0), 2}}));
}

TEST(fold, reads_no_key_of_a_store_that_was_empty) {
  const totals s;
  harness h{s, {&s.out}, {&s.seen}};
  h.run(three, 3);
  EXPECT_EQ(h.stores.reads, 0);
}

TEST(fold, holds_no_more_keys_than_it_may_beside_those_of_the_next_commit) {
  const std::vector<line> input{{"a", at(0), ""}, {"b", at(0), ""}, {"c", at(0), ""},
                                {"a", at(0), ""}, {"b", at(0), ""}, {"c", at(0), ""}};
  const totals s;
  harness h{s, {&s.out}, {&s.seen}, 1};
  h.run(input, 3, 1);
  h.begin_commit();
  h.run(input, 1, 1);  // a: changed while the commit is under way
  h.end_commit();
  EXPECT_EQ(h.stores.reads, 0);
  h.run(input, 2);  // b and c are not held any more
  EXPECT_EQ(h.stores.reads, 2);
  h.commit();
  EXPECT_EQ(h.output<count>(0).back(), (count{"c", at(0), 2}));
}

TEST(distinct, lets_only_the_first_record_of_a_key_through_also_after_a_kill) {
  const firsts s;
  harness h{s, {&s.out}, {&s.seen}};
  h.run(three, 1, 1);
  h.commit();
  h.kill();
  h.run(three, 2);
  h.commit();
  EXPECT_EQ(all_texts(h.output<line>(0)), (std::vector<std::string>{"one", "two two"}));
}

TEST(inlet, rejects_bytes_that_are_no_record_and_reads_on) {
  const filtering s;
  harness h{s, {&s.out}, {}};
  byte_writer w;
  codec<line>::encode(three[0], w);
  const std::string good{w.view()};
  const std::vector<record_view> records{{{}, "\x02", {}, at(0), record_offset{0}},
                                         {{}, good, {}, at(0), record_offset{1}}};
  EXPECT_EQ(h.program->run({0, "lines", 0, records}).processed, 2u);
  h.commit();
  EXPECT_EQ(h.rejected.size(), 1u);
  EXPECT_EQ(all_texts(h.output<line>(0)), (std::vector<std::string>{"one"}));
}

struct throwing {
  inlet<line> in{"in"};
  outlet<line> out{"out"};
  auto logic() const {
    return from(in)
        .filter([](const line::view& l) -> bool {
          if (l.text == "three") throw std::runtime_error("no three");
          return true;
        })
        .to(out);
  }
};

TEST(inlet, says_for_which_record_the_authors_code_has_thrown) {
  const throwing s;
  harness h{s, {&s.out}, {}};
  try {
    h.run(three, 3);
    FAIL() << "nothing was thrown";
  } catch (const flow::failure& f) {
    EXPECT_EQ(f.from.what, flow::origin_kind::inlet);
    EXPECT_EQ(f.from.offset, record_offset{2});
    EXPECT_EQ(f.reason, "no three");
  }
}

}  // namespace
}  // namespace cloudflow::testing
