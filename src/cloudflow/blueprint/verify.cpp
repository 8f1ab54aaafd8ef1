#include "cloudflow/blueprint/verify.hpp"

#include "cloudflow/blueprint/internal/checks.hpp"
#include "cloudflow/blueprint/names.hpp"

#include <fmt/format.h>

#include <utility>

namespace cloudflow::blueprint {
namespace {

void check_emptiness(const model& blueprint, std::span<const streamlet_descriptor> descriptors,
                     std::vector<problem>& problems) {
  const config::origin file{std::make_shared<const std::string>(blueprint.source), 0, 0};
  if (blueprint.streamlets.empty())
    problems.push_back({.kind = problem_kind::empty_streamlets,
                        .message = "The application blueprint is empty.",
                        .where = file,
                        .suggestion = "write <name> = <class> into blueprint.streamlets"});
  if (descriptors.empty())
    problems.push_back({.kind = problem_kind::empty_streamlet_descriptors,
                        .message = "The streamlet descriptor list is empty.",
                        .where = file,
                        .suggestion = "name the streamlet classes where the program's main "
                                      "function makes the application"});
}

}  // namespace

namespace internal {

void check_topic_names(const model& blueprint, std::vector<problem>& problems) {
  for (const auto& topic : blueprint.topics) {
    const auto& name = topic.name;
    if (!is_topic_name(name.text))
      problems.push_back({.kind = problem_kind::invalid_topic_name,
                          .message = fmt::format(
                              R"('{}' is not a valid topic name, must match '[a-zA-Z0-9\._\-]', )"
                              "max 255 characters.",
                              name.text),
                          .where = name.where,
                          .suggestion = name.text.size() > max_topic_name_length
                                            ? fmt::format("Kafka takes {} characters, this has {}",
                                                          max_topic_name_length, name.text.size())
                                        : name.text == "." || name.text == ".."
                                            ? "Kafka keeps '.' and '..' for itself"
                                            : "use letters of a to z, digits, '.', '_' and '-'"});
    if (topic.cluster && !is_dns_name(topic.cluster->text))
      problems.push_back(
          {.kind = problem_kind::invalid_kafka_cluster_name,
           .message =
               fmt::format("Invalid Kafka cluster name '{}'. Names must consist of lower case "
                           "alphanumeric characters and may contain '-' except for at the "
                           "start or end.",
                           topic.cluster->text),
           .where = topic.cluster->where,
           .suggestion = topic.cluster->text.empty()
                             ? "leave it out for the default cluster"
                             : fmt::format("write '{}'", to_dns_label(topic.cluster->text))});
  }
}

}  // namespace internal

verification verify(parsed_blueprint parsed, std::span<const streamlet_descriptor> descriptors) {
  const auto& blueprint = parsed.blueprint;
  verification out{.problems = std::move(parsed.problems), .blueprint = {}};
  if (blueprint.is_readable) {
    check_emptiness(blueprint, descriptors, out.problems);
    const auto streamlets = internal::check_streamlets(blueprint, descriptors, out.problems);
    internal::check_descriptors(blueprint, descriptors, streamlets, out.problems);
    internal::check_topic_names(blueprint, out.problems);
    out.blueprint.topics = internal::check_wiring(blueprint, streamlets, out.problems);
    for (const auto& s : streamlets)
      if (s.descriptor != nullptr)
        out.blueprint.streamlets.push_back({s.ref->name.text, *s.descriptor});
  }
  sort_by_position(out.problems);
  add_excerpts(out.problems, blueprint.text, blueprint.source);
  return out;
}

verification verify(std::string_view text, std::string source,
                    std::span<const streamlet_descriptor> descriptors) {
  return verify(parse(text, std::move(source)), descriptors);
}

}  // namespace cloudflow::blueprint
