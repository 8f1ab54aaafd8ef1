#include "cloudflow/pubsub/kafka/internal/properties.hpp"

#include "cloudflow/pubsub/kafka/internal/credentials.hpp"
#include "cloudflow/pubsub/kafka/internal/jaas.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <sstream>

namespace cloudflow::pubsub::kafka {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

/// `name = value` lines up to an empty line or the end.
property_map read_properties(std::istream& from) {
  property_map properties;
  std::string line;
  while (std::getline(from, line) && !line.empty()) {
    const auto at = line.find(" = ");
    properties[line.substr(0, at)] = at == std::string::npos ? "" : line.substr(at + 3);
  }
  return properties;
}

std::string outcome_of(const property_map& given) {
  const auto translated = translate(given);
  if (!translated) return "error: " + translated.error().message + "\n";
  std::string text;
  for (const auto& [name, value] : translated->properties)
    text.append(name).append(" = ").append(value).append("\n");
  for (const auto& name : translated->ignored) text.append("ignored: ").append(name).append("\n");
  return text;
}

TEST(properties, of_javas_client_are_understood) {
  std::ifstream file{CLOUDFLOW_SOURCE_DIR "/src/cloudflow/pubsub/kafka/testdata/properties.txt"};
  std::string title;
  int count = 0;
  while (std::getline(file, title)) {
    if (!title.starts_with("== ")) continue;
    const auto given = read_properties(file);
    std::string expected, line;
    while (std::getline(file, line) && !line.empty()) expected += line + "\n";
    EXPECT_EQ(outcome_of(given), expected) << title;
    ++count;
  }
  EXPECT_GT(count, 5);
}

TEST(properties, that_nobody_knows_are_refused_with_the_one_that_was_meant) {
  const conf_handle conf{rd_kafka_conf_new()};
  const auto message = [&](const std::string& name) {
    return set_property(conf.get(), name, "1").error().message;
  };
  EXPECT_EQ(
      message("securty.protocol"),
      "property \"securty.protocol\": there is none of this name; is security.protocol meant?");
  EXPECT_EQ(message("sasl.pasword.location"),
            "property \"sasl.pasword.location\": there is none of this name; is "
            "sasl.password.location meant?");
  EXPECT_EQ(message("nonsense"), "property \"nonsense\": there is none of this name");
}

TEST(properties, are_named_with_a_value_that_is_not_understood) {
  const conf_handle conf{rd_kafka_conf_new()};
  const auto refused = set_property(conf.get(), "linger.ms", "much");
  EXPECT_THAT(refused.error().message, HasSubstr("\"much\" is not understood"));
}

TEST(jaas, values_may_be_quoted_and_hold_any_character) {
  const auto parsed = parse_jaas(
      R"(org.apache.kafka.common.security.scram.ScramLoginModule required
         username="the \"app\"" password=a-b=c tokenauth="true";)");
  ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
  EXPECT_EQ(parsed->login_module, "ScramLoginModule");
  EXPECT_THAT(parsed->options, ElementsAre(Pair("password", "a-b=c"), Pair("tokenauth", "true"),
                                           Pair("username", "the \"app\"")));
}

TEST(jaas, that_cannot_be_read_is_refused_without_a_word_of_it) {
  for (const std::string text :
       {"", "a.PlainLoginModule", "a.PlainLoginModule required password=\"geheim",
        "a.PlainLoginModule required password=\"geheim\"", "a.PlainLoginModule required geheim;",
        "a.B required x=\"1\"; geheim required;"}) {
    const auto parsed = parse_jaas(text);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_THAT(parsed.error().message, testing::Not(HasSubstr("geheim"))) << text;
  }
}

TEST(token, tells_whose_it_is_and_how_long_it_lasts) {
  const timestamp now{std::chrono::seconds{1'000'000}};
  // {"alg":"none"} . {"sub":"app","exp":1000600}
  const auto token = parse_token("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhcHAiLCJleHAiOjEwMDA2MDB9.", now);
  EXPECT_EQ(token.principal, "app");
  EXPECT_EQ(token.expires, now + std::chrono::minutes{10});
}

TEST(token, that_says_nothing_lasts_an_hour) {
  const timestamp now{std::chrono::seconds{1'000'000}};
  const auto token = parse_token("opaque", now);
  EXPECT_EQ(token.text, "opaque");
  EXPECT_EQ(token.expires, now + std::chrono::hours{1});
}

}  // namespace
}  // namespace cloudflow::pubsub::kafka
