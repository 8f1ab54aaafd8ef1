#include "cloudflow/application/pod_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

namespace cloudflow::app {
namespace {

using testing::ElementsAre, testing::HasSubstr, testing::Not, testing::Pair;

/// Two streamlets, a secret of each and one of their topic.
blueprint::plan whole() {
  blueprint::plan p{.app_id = "shop", .app_version = "1.0"};
  p.topics.push_back({.id = "orders", .name = "orders", .cluster_key = "default"});
  p.topics[0].connection["sasl.password"] = blueprint::setting::secret("of.topic");
  for (const auto* name : {"one", "two"}) {
    auto& s = p.streamlets.emplace_back();
    s.name = name;
    s.replicas = 3;
    s.inlets.push_back({.name = "in", .topic = 0});
    s.parameters["token"] = blueprint::setting::secret(std::string{"of."} + name);
  }
  return p;
}
const blueprint::secret_texts secrets{
    {"of.topic", "t"}, {"of.one", "1"}, {"of.two", "2"}, {"of.nobody", "n"}};

class pod_files : public testing::Test {
protected:
  pod_files() { std::filesystem::create_directories(directory_); }
  ~pod_files() override { std::filesystem::remove_all(directory_); }

  void write(const std::map<std::string, std::string>& files) const {
    for (const auto& [name, text] : files) std::ofstream{directory_ / name} << text;
  }
  std::string complaint() const {
    const auto read = read_pod_configuration(directory_);
    return read ? "" : read.error().message;
  }

  const std::filesystem::path directory_ =
      std::filesystem::path{testing::TempDir()} / ("pod-files-" + std::to_string(::getpid()));
};

TEST_F(pod_files, hold_one_streamlet_and_its_secrets_alone) {
  const auto pod = pod_configuration_of(whole(), secrets, "two");
  ASSERT_EQ(pod.plan.streamlets.size(), 1u);
  EXPECT_EQ(pod.plan.streamlets[0].name, "two");
  EXPECT_THAT(pod.secrets, ElementsAre(Pair("of.topic", "t"), Pair("of.two", "2")));
}

TEST_F(pod_files, do_not_change_with_what_is_nothing_to_a_pod) {
  auto changed = whole();
  changed.app_version = "2.0";
  changed.streamlets[0].replicas = 7;
  EXPECT_EQ(to_files(pod_configuration_of(whole(), secrets, "one")),
            to_files(pod_configuration_of(changed, secrets, "one")));
}

TEST_F(pod_files, are_read_as_they_were_written) {
  const auto pod = pod_configuration_of(whole(), secrets, "one");
  write(to_files(pod));
  const auto read = read_pod_configuration(directory_);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->plan, pod.plan);
  EXPECT_EQ(read->secrets, pod.secrets);
}

TEST_F(pod_files, that_are_wrong_are_named) {
  EXPECT_THAT(complaint(), HasSubstr("plan.json: cannot be read: No such file"));
  auto files = to_files(pod_configuration_of(whole(), secrets, "one"));
  write({{plan_file, files[plan_file]}});
  EXPECT_THAT(complaint(), HasSubstr("secrets.json: cannot be read"));
  write({{secrets_file, "[]"}});
  EXPECT_THAT(complaint(), HasSubstr("secrets.json: it is no JSON object"));
  write({{secrets_file, R"({"of.topic": 1})"}});
  EXPECT_THAT(complaint(), HasSubstr("of.topic is no text"));
  write({{secrets_file, R"({"of.topic": "hush"})"}});
  EXPECT_THAT(complaint(), testing::AllOf(HasSubstr("of.one is missing"), Not(HasSubstr("hush"))));
  write({{plan_file, "{"}});
  EXPECT_THAT(complaint(), HasSubstr("plan.json: The plan is no JSON"));
  write(to_files({whole(), secrets}));
  EXPECT_THAT(complaint(), HasSubstr("it has 2 streamlets, and a pod runs one"));
}

}  // namespace
}  // namespace cloudflow::app
