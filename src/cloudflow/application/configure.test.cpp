#include "cloudflow/application/configure.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cloudflow::app {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr std::string_view two_mailers = R"(blueprint {
  streamlets { mailer = a.mailer, other = a.mailer }
  topics.mails.producers = [mailer.out, other.out]
})";

/// What becomes of arguments; `a.mailer` needs a value for `user`.
class configuring : public testing::Test {
protected:
  configuring() {
    mailer_.class_name = "a.mailer";
    mailer_.config_parameters = {{.key = "user", .validation_type = "string"}};
    mailer_.outlets = {{"out", {"Mail", "\"string\"", "f", "avro"}, ""}};
  }
  result<configured_plan> configured(const configuration_arguments& arguments) {
    const application_info info{.name = "mailing",
                                .version = "1",
                                .blueprint_file = "src/blueprint.conf",
                                .blueprint_text = blueprint_text};
    return configure(info, std::span{&mailer_, 1}, arguments, {});
  }
  /// The value of `user` of both streamlets, or the error.
  std::string users(std::vector<std::string> assignments) {
    const auto made = configured({.files = {}, .assignments = std::move(assignments)});
    if (!made) return made.error().message;
    std::string all;
    for (const auto& s : made->plan.streamlets) all += s.parameters.at("user").text + " ";
    return all;
  }
  std::string_view blueprint_text = two_mailers;

private:
  blueprint::streamlet_descriptor mailer_;
};

TEST_F(configuring, gives_a_parameter_to_every_streamlet_that_has_it_or_to_the_one_that_is_named) {
  EXPECT_EQ(users({"user=me"}), "me me ");
  EXPECT_EQ(users({"user=me", "other.user=you"}), "me you ");
  EXPECT_EQ(users({"user=me", "cloudflow.streamlets.mailer.config-parameters.user=you"}),
            "you me ");
}

TEST_F(configuring, takes_the_value_of_a_parameter_as_it_is_written) {
  EXPECT_EQ(users({R"(user=${HOME} "a\b" = #1)"}), R"(${HOME} "a\b" = #1 ${HOME} "a\b" = #1 )");
}

TEST_F(configuring, reads_and_writes_where_the_argument_for_kafka_says) {
  const auto made = configured({.files = {}, .assignments = {"user=me"}, .kafka = "host:9092"});
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->plan.topics[0].connection.at("bootstrap.servers").text, "host:9092");
}

TEST_F(configuring, fails_with_the_problems_of_the_blueprint) {
  blueprint_text = "blueprint { streamlets.mailer = a.miler }";
  EXPECT_THAT(users({"user=me"}), StartsWith("src/blueprint.conf:1:"));
}

TEST_F(configuring,
       warns_of_what_is_odd_in_the_blueprint_and_of_unknown_keys_in_the_configuration) {
  blueprint_text = R"(blueprint {
    streamlets { mailer = a.mailer, other = a.mailer }
    topics.mails { producers = [mailer.out, other.out], partition = 3 }
  })";
  const auto made =
      configured({.files = {}, .assignments = {"user=me", "cloudflow.topics.mails.partition=4"}});
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_THAT(made->warnings, HasSubstr("src/blueprint.conf:3:"));
  EXPECT_THAT(made->warnings, HasSubstr("cloudflow.topics.mails"));
}

TEST_F(configuring, fails_for_a_parameter_that_nobody_has_and_names_the_nearest) {
  EXPECT_EQ(users({"usr=me"}),
            "usr=...: no streamlet of the blueprint has this parameter; did you mean user?\n"
            "  write parameter=value, streamlet.parameter=value or a path that begins with "
            "cloudflow.\n");
}

TEST_F(configuring, fails_with_the_problems_of_all_files_together) {
  const auto made =
      configured({.files = {"no-such-file.conf", "nor-this.conf"}, .assignments = {"user=me"}});
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().message, HasSubstr("no-such-file.conf"));
  EXPECT_THAT(made.error().message, HasSubstr("nor-this.conf"));
}

TEST_F(configuring, fails_when_a_value_that_is_needed_is_missing) {
  EXPECT_THAT(users({"mailer.user=me"}), HasSubstr("other"));
}

}  // namespace
}  // namespace cloudflow::app
