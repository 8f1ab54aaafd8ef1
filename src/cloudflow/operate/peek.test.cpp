#include "cloudflow/operate/peek.hpp"

#include "cloudflow/operate/fixture.test.hpp"

namespace cloudflow::operate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class peeks : public small_application {
protected:
  peeks() { make_topics(); }
  /// `partition/offset key: value` of each record, then the error if there is one.
  std::vector<std::string> seen(const peek_request& request) {
    std::vector<std::string> all;
    const auto done = peek(*log, request, [&](const shown_record& r) {
      all.push_back(std::to_string(r.partition) + "/" + std::to_string(r.offset) + " " +
                    r.key.value_or("no key") + ": " + r.value_json);
      return true;
    });
    if (!done) all.push_back(done.error().message);
    return all;
  }
};

TEST_F(peeks, show_the_records_of_all_partitions_by_the_time_of_their_append) {
  send("lines", 1, {{"a", at(0), "one"}});
  clock.advance(1s);
  send("lines", 0, {{"b", at(1), "two"}});
  clock.advance(1s);
  send("lines", 1, {{"c", at(2), "three"}});
  EXPECT_THAT(
      seen({.topic = "lines", .has_readable_times = true}),
      ElementsAre(R"(1/0 a: {"app":"a","time":"1970-01-01T00:00:00.000Z","text":"one"})",
                  R"(0/0 b: {"app":"b","time":"1970-01-01T00:00:01.000Z","text":"two"})",
                  R"(1/1 c: {"app":"c","time":"1970-01-01T00:00:02.000Z","text":"three"})"));
  EXPECT_THAT(seen({.topic = "lines", .partition = 1, .at_most = 1}),
              ElementsAre(R"(1/0 a: {"app":"a","time":0,"text":"one"})"));
}

TEST_F(peeks, of_what_is_not_there_say_so) {
  EXPECT_THAT(seen({.topic = "lynes"}), ElementsAre(HasSubstr("lynes")));
  EXPECT_THAT(seen({.topic = "lines", .partition = 2}),
              ElementsAre("topic lines has no partition 2: there are 2, numbered from 0"));
}

TEST_F(peeks, that_retention_overtakes_end_with_an_error_and_not_as_if_at_the_end) {
  for (int n = 0; n != 2; ++n) send("lines", 0, std::vector<line>(1100, {"a", at(n), "x"}));
  clock.advance(24h * 8);
  int shown = 0;
  const auto done = peek(*log, {.topic = "lines"}, [&](const shown_record&) {
    if (++shown == 1) {
      EXPECT_TRUE(log->maintain());
    }
    return true;
  });
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().message, HasSubstr("lines/0"));
}

}  // namespace
}  // namespace cloudflow::operate
