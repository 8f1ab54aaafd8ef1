// Any bytes as a blueprint, as a configuration and as descriptors: no crash, and what is said of a
// blueprint does not contradict itself.
#include "cloudflow/base/assert.hpp"
#include "cloudflow/blueprint/custom_resource.hpp"
#include "cloudflow/blueprint/descriptor_json.hpp"
#include "cloudflow/blueprint/graph.hpp"
#include "cloudflow/blueprint/resolve.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace {

namespace blueprint = cloudflow::blueprint;
namespace config = cloudflow::config;

const std::vector<blueprint::streamlet_descriptor>& descriptors() {
  static const auto all = [] {
    const blueprint::schema_descriptor line{"n.Line", R"("string")", "line", "avro"};
    const blueprint::schema_descriptor count{"n.Count", R"("long")", "count", "avro"};
    blueprint::streamlet_descriptor ingress, parser;
    ingress.class_name = "logproc.log_ingress";
    ingress.outlets = {{"out", line, "app"}};
    parser.class_name = "logproc.line_parser";
    parser.inlets = {{"in", line, "app"}};
    parser.outlets = {{"out", count, ""}, {"invalid", line, ""}};
    parser.config_parameters = {{.key = "line-pattern",
                                 .validation_type = "string",
                                 .validation_pattern = "[a-z]+",
                                 .is_secret = true}};
    return std::vector{ingress, parser};
  }();
  return all;
}

void check_plan(const blueprint::application& app, const config::value& configuration) {
  const auto made = blueprint::resolve(app, configuration, {.needs_parameters = false});
  CLOUDFLOW_ASSERT(made.result.has_value() != blueprint::has_errors(made.problems),
                   "a plan with errors, or none without");
  if (made.result) (void)blueprint::draw(*made.result);
  (void)blueprint::to_string(made.problems);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  // An include reads files.
  if (text.find("include") != std::string::npos) return 0;
  blueprint::descriptors_from_json(text).ignore("only that it returns");

  const auto found = blueprint::verify(text, "fuzz", descriptors());
  (void)blueprint::to_string(found.problems);
  if (found.is_valid()) {
    const auto app = blueprint::make_application("fuzz", "1", found.blueprint);
    (void)blueprint::to_custom_resource_json(
        app, {.library_version = "1", .cli_version = "1", .image = "i"});
    check_plan(app, {});
  }

  static const auto app = blueprint::make_application(
      "app", "1",
      blueprint::verify(
          "blueprint { streamlets.statistics = logproc.line_parser, topics.messages { "
          "consumers = [statistics.in] } }",
          "fixed", descriptors())
          .blueprint);
  if (const auto document = config::parse_text(text, "fuzz"))
    if (const auto configuration = document->resolve({})) check_plan(app, *configuration);
  return 0;
}
