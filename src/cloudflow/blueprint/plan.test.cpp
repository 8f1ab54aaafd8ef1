#include "cloudflow/blueprint/plan.hpp"

#include "cloudflow/blueprint/descriptor_json.hpp"
#include "cloudflow/blueprint/graph.hpp"
#include "cloudflow/blueprint/internal/test_files.hpp"
#include "cloudflow/blueprint/resolve.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace cloudflow::blueprint {
namespace {

config::value configuration_of(const std::filesystem::path& folder) {
  const auto document =
      config::parse_text(internal::read_text(folder / "configuration.conf"), "configuration.conf");
  EXPECT_TRUE(document);
  if (!document) return {};
  auto resolved = document->resolve({});
  EXPECT_TRUE(resolved);
  return resolved ? std::move(resolved).value() : config::value{};
}

resolution resolve_case(const std::filesystem::path& folder, const resolve_options& options) {
  const auto descriptors = descriptors_from_json(internal::read_text(folder / "descriptors.json"));
  EXPECT_TRUE(descriptors);
  if (!descriptors) return {};
  auto verified =
      verify(internal::read_text(folder / "blueprint.conf"), "blueprint.conf", *descriptors);
  EXPECT_TRUE(verified.is_valid()) << to_string(verified.problems);
  return resolve(make_application("My_App", "1.0", std::move(verified.blueprint)),
                 configuration_of(folder), options);
}

std::string text_of(const std::string& plain) { return plain; }
std::string text_of(const setting& s) { return s.is_secret() ? "secret " + s.secret_path : s.text; }

template <class Value>
std::string describe(std::string_view name, const std::map<std::string, Value>& entries) {
  std::string out;
  for (const auto& [key, value] : entries)
    out += fmt::format("  {} {} = {}\n", name, key, text_of(value));
  return out;
}

std::string describe(const plan& whole, const port_plan& p) {
  auto out = fmt::format("  port {} [{}] {}", p.name, whole.topics[p.topic].id, p.schema.name);
  if (!p.key.empty()) out += fmt::format(" by {}", p.key);
  if (!p.group.empty())
    out += fmt::format(", group {}, {} {}", p.group, to_string(p.on_bad_record),
                       p.dead_letter_topic ? whole.topics[*p.dead_letter_topic].name : "");
  if (p.retry_topic) out += ", retry " + whole.topics[*p.retry_topic].name;
  return out + "\n";
}

std::string describe(const plan& p) {
  auto out = fmt::format("{} {} prefix '{}'\n", p.app_id, p.app_version, p.prefix);
  for (const auto& s : p.streamlets) {
    out += fmt::format("streamlet {} {} {} x{} {}{}\n", s.name, s.class_name, s.runtime, s.replicas,
                       to_string(s.guarantee), s.has_server ? " server" : "");
    out += describe("parameter", s.parameters) + describe("mount", s.mounts);
    for (const auto& port : s.inlets) out += describe(p, port);
    for (const auto& port : s.outlets) out += describe(p, port);
    for (const auto& state : s.states)
      out += fmt::format("  state {} in {}, {} for {}, x{} at '{}'{}\n", state.name, state.store,
                         state.value.name, state.key.name, s.partitions, s.state_cluster_key,
                         s.changelog_topic.empty() ? "" : " " + s.changelog_topic);
    for (const auto& r : s.repartitions)
      out += fmt::format("  for {} after {} ms{}", s.states[r.state].name, s.idle_timeout.count(),
                         describe(p, r.port));
  }
  for (const auto& t : p.topics) {
    out += fmt::format("topic {} name {} cluster '{}'{}{} {}x{}{}{} {}\n", t.id, t.name, t.cluster,
                       t.cluster_key.empty() ? "" : " at ", t.cluster_key, t.partitions, t.replicas,
                       t.is_managed ? "" : " unmanaged", t.is_internal ? " internal" : "",
                       t.schema.name);
    if (!t.base_schema.empty()) out += fmt::format("  written as {}\n", t.base_schema);
    out += describe("property", t.properties) + describe("connection", t.connection) +
           describe("producer-config", t.producer) + describe("consumer-config", t.consumer);
    out +=
        fmt::format("  from {} to {}\n", fmt::join(t.producers, " "), fmt::join(t.consumers, " "));
  }
  return out;
}

// Each folder of testdata/resolve: blueprint.conf, descriptors.json and configuration.conf give the
// plan or the problems of expected.txt.
TEST(resolve, makes_a_plan_or_says_everything_that_is_wrong_with_the_configuration) {
  for (const auto& folder : internal::test_cases(CLOUDFLOW_SOURCE_DIR, "resolve")) {
    SCOPED_TRACE(folder.filename().string());
    const auto made = resolve_case(folder, {.mount_root = "/mounts"});
    EXPECT_EQ(made.result.has_value(), !has_errors(made.problems));
    const auto printed = to_string(made.problems) + (made.result ? describe(*made.result) : "");
    EXPECT_EQ(printed, internal::expected_text(folder / "expected.txt", printed));
  }
}

TEST(resolve, never_shows_a_secret) {
  const auto made =
      resolve_case(internal::test_directory(CLOUDFLOW_SOURCE_DIR, "resolve/wrong"), {});
  const auto printed = to_string(made.problems);
  EXPECT_NE(printed.find("password"), std::string::npos);
  EXPECT_EQ(printed.find("Hunter2"), std::string::npos);
}

TEST(resolve, asks_for_every_required_parameter_unless_the_plan_is_only_looked_at) {
  const auto folder = internal::test_directory(CLOUDFLOW_SOURCE_DIR, "resolve/defaults");
  const auto descriptors = descriptors_from_json(internal::read_text(folder / "descriptors.json"));
  ASSERT_TRUE(descriptors);
  const auto app = make_application(
      "app", "1",
      verify(internal::read_text(folder / "blueprint.conf"), "b.conf", *descriptors).blueprint);
  const auto made = resolve(app, {}, {});
  EXPECT_FALSE(made.result);
  EXPECT_EQ(to_string(made.problems),
            "configuration: error: Please provide values for the following configuration "
            "parameter(s): parser.line-pattern\n"
            "  How a line looks.\n"
            "  write cloudflow.streamlets.parser.config-parameters.line-pattern = <string> in a "
            "configuration file, or parser.line-pattern=<string> on the command line\n");
  EXPECT_TRUE(resolve(app, {}, {.needs_parameters = false}).result);
}

TEST(resolve, without_a_mount_root_mounts_are_where_the_streamlet_declares_them) {
  std::vector<streamlet_descriptor> descriptors(1);
  descriptors[0].class_name = "a.b";
  descriptors[0].volume_mounts = {{"data", "/mnt/data", "ReadOnlyMany", ""}};
  const auto app = make_application(
      "app", "1", verify("blueprint.streamlets.s = a.b", "b.conf", descriptors).blueprint);
  const auto made = resolve(app, {}, {});
  ASSERT_TRUE(made.result);
  EXPECT_EQ(made.result->streamlets[0].mounts.at("data"), "/mnt/data");
}

TEST(plan, finds_streamlets_and_topics_by_name) {
  const auto made =
      resolve_case(internal::test_directory(CLOUDFLOW_SOURCE_DIR, "resolve/defaults"), {});
  ASSERT_TRUE(made.result);
  ASSERT_NE(made.result->find_streamlet("parser"), nullptr);
  EXPECT_EQ(made.result->find_streamlet("parser")->class_name, "logproc.line_parser");
  EXPECT_EQ(made.result->find_streamlet("parse"), nullptr);
  ASSERT_NE(made.result->find_topic("messages"), nullptr);
  EXPECT_EQ(made.result->find_topic("messages")->name, "log.messages");
  EXPECT_EQ(made.result->find_topic("log.messages"), nullptr);
}

TEST(resolve, refuses_a_topic_that_has_the_name_of_an_internal_one_or_of_another) {
  std::vector<streamlet_descriptor> descriptors(1);
  descriptors[0].class_name = "a.b";
  const schema_descriptor text{"Text", "\"string\"", "f", "avro"};
  descriptors[0].inlets = {{"in", text, ""}};
  descriptors[0].outlets = {{"out", text, ""}, {"more", text, ""}};
  const auto problems_with = [&](const std::string& in, const std::string& out) {
    auto verified = verify("blueprint { streamlets.s = a.b, topics { one { consumers = [s.in], " +
                               in + " }, two { producers = [s.out], " + out +
                               " }, three { producers = [s.more] } } }",
                           "b.conf", descriptors);
    EXPECT_TRUE(verified.is_valid()) << to_string(verified.problems);
    return to_string(
        resolve(make_application("app", "1", std::move(verified.blueprint)), {}, {}).problems);
  };
  EXPECT_EQ(problems_with("partitions = 1", "partitions = 1"), "");
  EXPECT_EQ(problems_with("topic.name = same", "topic.name = same"),
            "configuration: error: topics one and two have one name, 'same'\n"
            "  make one topic of them, or give one another topic.name\n");
  EXPECT_NE(problems_with("topic.name = app.s.in.retry", "")
                .find("which is that of a topic of the application's own"),
            std::string::npos);
}

// Each folder of testdata/graph, likewise.
TEST(graph, shows_streamlets_in_the_order_of_the_flow_with_ports_topics_and_guarantees) {
  for (const auto& folder : internal::test_cases(CLOUDFLOW_SOURCE_DIR, "graph")) {
    SCOPED_TRACE(folder.filename().string());
    const auto made = resolve_case(folder, {});
    ASSERT_TRUE(made.result) << to_string(made.problems);
    const auto drawn = draw(*made.result) + "\n" + draw(*made.result, {.is_ascii = true});
    EXPECT_EQ(drawn, internal::expected_text(folder / "expected.txt", drawn));
  }
}

}  // namespace
}  // namespace cloudflow::blueprint
