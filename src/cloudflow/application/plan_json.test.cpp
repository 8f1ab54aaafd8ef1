#include "cloudflow/application/plan_json.hpp"

#include "cloudflow/application/internal/plan_members.hpp"
#include "cloudflow/application/plan_text.hpp"
#include "cloudflow/blueprint/descriptor_json.hpp"
#include "cloudflow/blueprint/resolve.hpp"
#include "cloudflow/config/value.hpp"

#include <boost/pfr/core.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <typeinfo>

namespace cloudflow::app {
namespace {

using testing::HasSubstr, testing::Not;

// -- plans ----------------------------------------------------------------------------------------

std::string read_file(const std::filesystem::path& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

blueprint::resolution resolve_text(const std::string& blueprint_text,
                                   const std::vector<blueprint::streamlet_descriptor>& descriptors,
                                   const std::string& configuration) {
  const auto document = config::parse_text(configuration, "test.conf");
  EXPECT_TRUE(document);
  auto resolved = document->resolve({});
  EXPECT_TRUE(resolved);
  auto verified = blueprint::verify(blueprint_text, "blueprint.conf", descriptors);
  return blueprint::resolve(
      blueprint::make_application("app", "1.0", std::move(verified.blueprint)), *resolved,
      {.needs_parameters = false});
}

/// The plans of all blueprints among the test data of `blueprint` that have one.
std::map<std::string, blueprint::plan> plans_of_test_data() {
  std::map<std::string, blueprint::plan> plans;
  const std::filesystem::path data{CLOUDFLOW_SOURCE_DIR "/src/cloudflow/blueprint/testdata"};
  for (const auto* kind : {"resolve", "graph"})
    for (const auto& folder : std::filesystem::directory_iterator{data / kind}) {
      const auto descriptors =
          blueprint::descriptors_from_json(read_file(folder.path() / "descriptors.json"));
      if (!descriptors) continue;
      auto made = resolve_text(read_file(folder.path() / "blueprint.conf"), *descriptors,
                               read_file(folder.path() / "configuration.conf"));
      if (made.result) plans.emplace(folder.path().filename().string(), std::move(*made.result));
    }
  return plans;
}

/// Fills every member of a plan at random, references within bounds.
class filler {
public:
  explicit filler(std::uint32_t seed) : random_(seed) {}

  blueprint::plan plan() {
    blueprint::plan p;
    topics_ = 1 + pick(4);
    internal::visit(*this, p);
    for (std::size_t i = 0; i != p.topics.size(); ++i)
      p.topics[i].id = "topic-" + std::to_string(i);
    return p;
  }

  void text(const char*, std::string& into) { into = word(); }
  void flag(const char*, bool& into) { into = pick(2) == 0; }
  template <class Number>
  void number(const char*, Number& into) {
    into = static_cast<Number>(pick(1000));
  }
  void milliseconds(const char*, std::chrono::milliseconds& into) {
    into = std::chrono::milliseconds{pick(100'000)};
  }
  template <class Word>
  void word(const char*, Word& into, std::initializer_list<Word> words) {
    into = *(words.begin() + pick(words.size()));
  }
  void schema(const char*, blueprint::schema_descriptor& into) {
    into = {word(), word(), word(), word()};
  }
  void topic(const char*, std::size_t& into) { into = pick(topics_); }
  void topic(const char*, std::optional<std::size_t>& into) {
    if (pick(2) == 0) into = pick(topics_);
  }
  void names(const char*, std::vector<std::string>& into) { into.resize(pick(3), word()); }
  void texts(const char*, std::map<std::string, std::string>& into) {
    for (auto n = pick(3); n != 0; --n) into[word()] = word();
  }
  void settings(const char*, blueprint::settings_by_name& into) {
    for (auto n = pick(3); n != 0; --n)
      into[word()] =
          pick(2) == 0 ? blueprint::setting::secret("a." + word()) : blueprint::setting{word()};
  }
  template <class T>
  void object(const char*, T& into) {
    internal::visit(*this, into);
  }
  template <class T>
  void list(const char* name, std::vector<T>& into) {
    into.resize(name == std::string_view{"topics"} ? topics_ : pick(3));
    for (auto& each : into) internal::visit(*this, each);
  }

private:
  std::size_t pick(std::size_t below) { return random_() % below; }
  std::string word() {
    static const std::vector<std::string> words{
        "", "a", "b.c", "secret", "\"quoted\"\n", "ü", "{\"x\":1}", "a b c ", "~2"};
    return words[pick(words.size())];
  }

  std::mt19937 random_;
  std::size_t topics_ = 1;
};

/// How many members of a structure are visited.
struct counter {
  int count = 0;
  template <class... Arguments>
  void text(Arguments&&...) {
    ++count;
  }
  template <class... Arguments>
  void flag(Arguments&&...) {
    ++count;
  }
  template <class... Arguments>
  void number(Arguments&&...) {
    ++count;
  }
  template <class... Arguments>
  void milliseconds(Arguments&&...) {
    ++count;
  }
  template <class T>
  void word(const char*, T&, std::initializer_list<T>) {
    ++count;
  }
  template <class... Arguments>
  void schema(Arguments&&...) {
    ++count;
  }
  template <class... Arguments>
  void topic(Arguments&&...) {
    ++count;
  }
  template <class... Arguments>
  void names(Arguments&&...) {
    ++count;
  }
  template <class... Arguments>
  void texts(Arguments&&...) {
    ++count;
  }
  template <class... Arguments>
  void settings(Arguments&&...) {
    ++count;
  }
  template <class... Arguments>
  void object(Arguments&&...) {
    ++count;
  }
  template <class... Arguments>
  void list(Arguments&&...) {
    ++count;
  }
};

template <class T>
void expect_all_members_visited() {
  counter c;
  T value;
  internal::visit(c, value);
  EXPECT_EQ(c.count, static_cast<int>(boost::pfr::tuple_size_v<T>)) << typeid(T).name();
}

// -- there and back -------------------------------------------------------------------------------

TEST(plan_json, of_every_blueprint_of_the_test_data_reads_back_equal) {
  const auto plans = plans_of_test_data();
  EXPECT_GE(plans.size(), 6u);
  for (const auto& [name, plan] : plans) {
    const auto read = plan_from_json(to_json(plan));
    ASSERT_TRUE(read) << name << ": " << read.error().message;
    EXPECT_EQ(*read, plan) << name << "\n" << to_text(*read) << to_text(plan);
  }
}

TEST(plan_json, of_any_plan_reads_back_equal) {
  for (std::uint32_t seed = 1; seed != 300; ++seed) {
    const auto plan = filler{seed}.plan();
    const auto read = plan_from_json(to_json(plan));
    ASSERT_TRUE(read) << "seed " << seed << ": " << read.error().message;
    EXPECT_EQ(*read, plan) << "seed " << seed;
  }
}

TEST(plan_json, leaves_no_member_out) {
  expect_all_members_visited<blueprint::plan>();
  expect_all_members_visited<blueprint::streamlet_plan>();
  expect_all_members_visited<blueprint::topic_plan>();
  expect_all_members_visited<blueprint::port_plan>();
  expect_all_members_visited<blueprint::state_plan>();
  expect_all_members_visited<blueprint::repartition_plan>();
  expect_all_members_visited<blueprint::window_plan>();
}

TEST(plan_json, the_plan_of_one_streamlet_reads_back_equal_too) {
  for (const auto& [name, plan] : plans_of_test_data())
    for (const auto& s : plan.streamlets) {
      const auto part = blueprint::part_of(plan, s.name);
      const auto read = plan_from_json(to_json(part));
      ASSERT_TRUE(read) << name << ": " << read.error().message;
      EXPECT_EQ(*read, part) << name;
      for (const auto& port : part.streamlets[0].inlets)
        EXPECT_THAT(part.topics[port.topic].consumers, testing::Contains(s.name + "." + port.name));
    }
}

// -- secrets --------------------------------------------------------------------------------------

TEST(plan, holds_secrets_as_references_never_as_text) {
  std::vector<blueprint::streamlet_descriptor> descriptors(1);
  descriptors[0].class_name = "a.mailer";
  descriptors[0].config_parameters = {
      {.key = "password", .validation_type = "string", .is_secret = true},
      {.key = "user", .validation_type = "string"}};
  descriptors[0].outlets = {{"out", {"Mail", "\"string\"", "f", "avro"}, ""}};
  const auto made = resolve_text(
      R"(blueprint { streamlets.mailer = a.mailer
           topics.mails { producers = [mailer.out]
             producer-config { ssl.key.password = Hunter2-own } } })",
      descriptors,
      R"(cloudflow {
           streamlets.mailer.config-parameters { password = Hunter2-parameter, user = me }
           kafka.clusters.default {
             bootstrap.servers = "host:9092"
             connection-config { sasl { username = me, password = Hunter2-cluster } } } })");
  ASSERT_TRUE(made.result) << blueprint::to_string(made.problems);
  const auto shown = to_json(*made.result) + to_text(*made.result);
  EXPECT_THAT(shown, Not(HasSubstr("Hunter2")));
  for (const auto* path : {"cloudflow.streamlets.mailer.config-parameters.password",
                           "cloudflow.kafka.clusters.default.connection-config.sasl.password",
                           "blueprint.topics.mails.producer-config.ssl.key.password"}) {
    EXPECT_THAT(shown, HasSubstr(path));
    EXPECT_THAT(made.secrets.at(path), HasSubstr("Hunter2")) << path;
  }
  const auto& mailer = made.result->streamlets[0];
  EXPECT_EQ(
      texts_of(mailer.parameters, made.secrets),
      (std::map<std::string, std::string>{{"password", "Hunter2-parameter"}, {"user", "me"}}));
  EXPECT_EQ(texts_of(mailer.parameters, {}), (std::map<std::string, std::string>{{"user", "me"}}));
}

// -- what is refused ------------------------------------------------------------------------------

std::string refusal(const std::string& text) {
  const auto read = plan_from_json(text);
  return read ? "" : read.error().message;
}

TEST(plan_json, that_is_none_or_another_versions_is_refused) {
  EXPECT_EQ(refusal("{"), "The plan is no JSON.");
  EXPECT_EQ(refusal("[]"), "A plan is a JSON object.");
  EXPECT_THAT(refusal("{}"), HasSubstr("has format none, and this program reads format 1"));
  EXPECT_THAT(refusal(R"({"format": 2})"), HasSubstr("another version of Cloudflow"));
}

TEST(plan_json, names_the_member_that_is_wrong) {
  const auto with = [](const std::string& topic) {
    return refusal(R"({"format": 1, "topics": [)" + topic + "]}");
  };
  const std::string rest =
      R"("id": "t", "managed": true, "internal": false, "replicas": 1, "partitions": )";
  EXPECT_EQ(with("{" + rest + "1}"), "");
  EXPECT_EQ(with("{" + rest + "\"1\"}"), "topics[0].partitions is no whole number in range.");
  EXPECT_EQ(with("{" + rest + "3000000000}"), "topics[0].partitions is no whole number in range.");
  EXPECT_EQ(with(R"({"id": "t"})"), "topics[0].managed is missing.");
  EXPECT_EQ(with("{" + rest + R"(1, "schema": "S"})"),
            "topics[0].schema is no schema of this plan.");
  EXPECT_EQ(with("{" + rest + R"(1, "retries-of": "u"})"),
            "topics[0].retries-of is no topic of this plan.");
  EXPECT_EQ(with("{" + rest + R"(1, "colour": "red"})"),
            "topics[0].colour is not known to this version of Cloudflow.");
}

}  // namespace
}  // namespace cloudflow::app
