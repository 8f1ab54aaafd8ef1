#include "cloudflow/operate/dead_letters.hpp"

#include "cloudflow/operate/fixture.test.hpp"
#include "cloudflow/operate/record_text.hpp"

namespace cloudflow::operate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

/// shouter has refused the second and the third line of partition 1, and a record that is no line
/// at all.
class dead_letters : public small_application {
protected:
  dead_letters() {
    make_topics();
    send("lines", 1, {{"a", at(0), "one"}, {"b", at(1), "bad"}, {"c", at(2), "worse"}});
    record_buffer garbage;
    garbage.append({}, "\x02\x01\xff");
    garbage.add_header("trace", "42");
    write("lines", 0, garbage);
    run();
  }
  dead_letter_topic letters() {
    return dead_letter_topic::of(*log, inlet("shouter.lines")).value();
  }
  /// `offset: topic/partition/offset reason` of those that wait.
  std::vector<std::string> waiting(const letter_filter& filter = {}) {
    std::vector<std::string> all;
    const auto done = letters().visit(filter, [&](const dead_letter& letter) {
      all.push_back(std::to_string(letter.record->offset.value()) + ": " +
                    std::string{letter.topic} + "/" + std::to_string(letter.partition.value()) +
                    "/" + std::to_string(letter.offset.value()) + " " +
                    std::string{letter.reason.substr(0, 12)});
      return true;
    });
    EXPECT_TRUE(done);
    return all;
  }
  static letter_filter of_offsets(const char* text) {
    return {.offsets = offset_set::parse(text), .reason = {}};
  }
};

TEST_F(dead_letters, that_wait_are_shown_with_origin_and_reason) {
  EXPECT_THAT(waiting(), testing::UnorderedElementsAre(HasSubstr("lines/1/1 a bad line"),
                                                       HasSubstr("lines/1/2 a worse line"),
                                                       HasSubstr("lines/0/0 ")));
  EXPECT_THAT(waiting({.reason = "worse"}), ElementsAre(HasSubstr("lines/1/2 a worse line")));
  EXPECT_THAT(waiting(of_offsets("0-1")), testing::SizeIs(2));
  EXPECT_THAT(waiting(of_offsets("7")), IsEmpty());
}

TEST_F(dead_letters, are_summed_up_with_their_reasons_and_what_became_of_them) {
  auto sum = letters().summarise().value();
  EXPECT_EQ(sum.waiting, 3u);
  EXPECT_THAT(sum.reasons,
              testing::IsSupersetOf({Pair("a bad line", 1u), Pair("a worse line", 1u)}));
  EXPECT_FALSE(sum.oldest.empty());
  EXPECT_LE(sum.oldest, sum.newest);
  EXPECT_EQ(letters().drop({.reason = "worse"}).value(), 1u);
  EXPECT_EQ(letters().retry({.reason = "bad"}).value(), 1u);
  sum = letters().summarise().value();
  EXPECT_EQ((std::array{sum.waiting, sum.retried, sum.dropped}), (std::array{1ul, 1ul, 1ul}));
  EXPECT_THAT(sum.reasons, testing::SizeIs(1));
}

TEST_F(dead_letters, are_processed_after_a_retry_when_the_code_is_mended) {
  EXPECT_EQ(letters().retry({.reason = "bad"}).value(), 1u);
  shouting::is_mended = true;
  run();
  EXPECT_THAT(texts("shouted"), testing::UnorderedElementsAre("one!", "bad!"));
  EXPECT_THAT(waiting(), testing::SizeIs(2));
  EXPECT_EQ(letters().retry({.reason = "bad"}).value(), 0u) << "it was retried already";
}

TEST_F(dead_letters, go_to_the_partition_that_they_were_in_as_they_were) {
  EXPECT_EQ(letters().retry({}).value(), 3u);
  const auto info = log->topic("app.shouter.lines.retry").value();
  ASSERT_EQ(info.partitions.size(), 2u);
  EXPECT_EQ(info.partitions[0].end, record_offset{1});
  EXPECT_EQ(info.partitions[1].end, record_offset{2});
  std::vector<std::string> seen;
  each("app.shouter.lines.retry", [&](const record_view& r) {
    std::string text = r.key.data() == nullptr ? "no key" : std::string{r.key};
    for (const auto& h : r.headers)
      text.append(" ").append(h.name).append("=").append(h.name == "cloudflow-schema" ? ""
                                                                                      : h.value);
    seen.push_back(text);
  });
  EXPECT_THAT(
      seen,
      ElementsAre(HasSubstr("no key trace=42 cloudflow-failures=1 cloudflow-origin=lines/0/0"),
                  HasSubstr("b cloudflow-failures=1 cloudflow-origin=lines/1/1"),
                  HasSubstr("c cloudflow-failures=1 cloudflow-origin=lines/1/2")));
  for (const auto& text : seen) EXPECT_THAT(text, testing::Not(HasSubstr("cloudflow-reason")));
}

TEST_F(dead_letters, that_fail_again_wait_again_and_know_how_often_and_where_they_were_first) {
  EXPECT_EQ(letters().retry({.reason = "worse"}).value(), 1u);
  run();
  EXPECT_EQ(letters().retry({.reason = "worse"}).value(), 1u);
  run();
  std::vector<std::string> seen;
  const auto done = letters().visit({.reason = "worse"}, [&](const dead_letter& letter) {
    EXPECT_EQ(letter.failures, 3);
    EXPECT_EQ(letter.topic, "lines");
    EXPECT_EQ(letter.partition.value(), 1);
    EXPECT_EQ(letter.offset.value(), 2);
    return true;
  });
  EXPECT_TRUE(done);
  EXPECT_THAT(waiting({.reason = "worse"}), testing::SizeIs(1));
}

TEST_F(dead_letters, that_are_dropped_are_gone_for_good) {
  EXPECT_EQ(letters().drop(of_offsets("0,2")).value(), 2u);
  EXPECT_THAT(waiting(), ElementsAre(testing::StartsWith("1: ")));
  EXPECT_EQ(letters().drop({}).value(), 1u);
  EXPECT_THAT(waiting(), IsEmpty());
  EXPECT_EQ(letters().retry({}).value(), 0u);
  run();
  EXPECT_EQ(texts("shouted").size(), 1u);
}

TEST_F(dead_letters, in_great_number_take_several_transactions) {
  record_buffer many;
  for (int n = 0; n != 2500; ++n) {
    many.append("a", "value");
    many.add_header("cloudflow-reason", "no room");
    many.add_header("cloudflow-topic", "lines");
    many.add_header("cloudflow-partition", "0");
    many.add_header("cloudflow-offset", std::to_string(n));
  }
  write("app.shouter.lines.dead-letter", 0, many);
  EXPECT_EQ(letters().retry({.reason = "no room"}).value(), 2500u);
  const auto info = log->topic("app.shouter.lines.retry").value();
  EXPECT_EQ(info.partitions[0].end, record_offset{2500});
  EXPECT_EQ(letters().summarise()->waiting, 3u);
}

TEST_F(dead_letters, that_are_deleted_while_they_are_looked_at_are_an_error_and_not_left_out) {
  for (int batch = 0; batch != 2; ++batch) {
    record_buffer many;
    for (int n = 0; n != 1100; ++n) many.append("a", "value");
    write("app.shouter.lines.dead-letter", 0, many);
  }
  clock.advance(24h * 8);
  int seen = 0;
  const auto done = letters().visit({}, [&](const dead_letter&) {
    if (++seen == 1) {
      EXPECT_TRUE(log->maintain());
    }
    return true;
  });
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().message, HasSubstr("app.shouter.lines.dead-letter/0"));
}

TEST_F(dead_letters, are_shown_as_their_schema_or_as_the_bytes_they_are) {
  auto box = letters();
  record_text text{*log, {}, true};
  std::vector<std::string> shown;
  const auto done = box.visit({}, [&](const dead_letter& letter) {
    shown.push_back(text.show_value(letter.record->value, box.schema_of(*letter.record)).value());
    return true;
  });
  ASSERT_TRUE(done);
  EXPECT_THAT(shown, testing::UnorderedElementsAre(
                         R"({"app":"b","time":"1970-01-01T00:00:01.000Z","text":"bad"})",
                         R"({"app":"c","time":"1970-01-01T00:00:02.000Z","text":"worse"})",
                         R"({"hex":"0201ff"})"));
}

TEST_F(small_application, without_letters_there_is_nothing_to_retry) {
  auto box = dead_letter_topic::of(*log, inlet("shouter.lines")).value();
  EXPECT_EQ(box.summarise()->waiting, 0u) << "the topic has not been made yet";
  EXPECT_THAT(box.retry({}).error().message, HasSubstr("Start the application once"));
  make_topics();
  EXPECT_EQ(box.retry({}).value(), 0u);
}

TEST_F(small_application, an_inlet_that_skips_bad_records_keeps_no_letters) {
  plan.streamlets[0].inlets[0].on_bad_record = blueprint::bad_record_policy::skip;
  plan.streamlets[0].inlets[0].dead_letter_topic.reset();
  EXPECT_EQ(dead_letter_topic::of(*log, inlet("shouter.lines")).error().message,
            "inlet shouter.lines keeps no dead letters: its policy for bad records is skip");
}

TEST_F(small_application, inlets_are_found_by_path_and_those_there_are_are_named) {
  EXPECT_EQ(find_inlets(plan, "")->size(), 2u);
  EXPECT_EQ(find_inlet(plan, "shouter")->path(), "shouter.lines");
  EXPECT_THAT(find_inlet(plan, "shoutr").error().message,
              HasSubstr("there is no streamlet 'shoutr'; did you mean 'shouter'?"));
  EXPECT_THAT(find_inlet(plan, "shouter.in").error().message,
              HasSubstr("there is no inlet 'shouter.in'; did you mean 'shouter.lines'?"));
}

}  // namespace
}  // namespace cloudflow::operate
