#include "cloudflow/blueprint/internal/checks.hpp"
#include "cloudflow/blueprint/names.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace cloudflow::blueprint::internal {
namespace {

std::string_view last_part(std::string_view class_name) {
  if (class_name.ends_with('$')) class_name.remove_suffix(1);
  const auto dot = class_name.rfind('.');
  return dot == std::string_view::npos ? class_name : class_name.substr(dot + 1);
}

std::string suggest_class(std::string_view wanted,
                          std::span<const streamlet_descriptor> descriptors) {
  std::vector<std::string> names;
  for (const auto& d : descriptors) names.push_back(d.class_name);
  if (const auto near = config::nearest(wanted, names)) return suggest(wanted, names);
  for (const auto& name : names)
    if (last_part(name) == last_part(wanted)) return fmt::format("did you mean '{}'?", name);
  return suggest(wanted, names);
}

class streamlet_check {
public:
  streamlet_check(std::span<const streamlet_descriptor> descriptors, std::vector<problem>& problems)
    : descriptors_(descriptors), problems_(problems) {}

  streamlet_entry check(const streamlet_ref& ref) {
    if (!is_dns_name(ref.name.text)) report_name(ref);
    if (ref.name.text == reserved_streamlet_name) report_reserved(ref);
    if (!ref.is_certain) return {&ref, nullptr};
    const auto class_name = dotted_class_name(ref.class_name.text);
    if (!is_class_name(class_name)) report_class_name(ref);
    return {&ref, find(ref, class_name)};
  }

private:
  void report_name(const streamlet_ref& ref) {
    const auto label = to_dns_label(ref.name.text);
    problems_.push_back(
        {.kind = problem_kind::invalid_streamlet_name,
         .message = fmt::format("Invalid streamlet name '{}'. Names must consist of lower case "
                                "alphanumeric characters and may contain '-' except for at the "
                                "start or end.",
                                ref.name.text),
         .where = ref.name.where,
         .suggestion = is_dns_name(label) ? fmt::format("write '{}'", label) : ""});
  }

  void report_reserved(const streamlet_ref& ref) {
    problems_.push_back(
        {.kind = problem_kind::invalid_streamlet_name,
         .message =
             fmt::format("A streamlet cannot be named '{}': state and topics of Cloudflow's own "
                         "have names that begin with it.",
                         ref.name.text),
         .where = ref.name.where,
         .suggestion = "give it another name"});
  }

  void report_class_name(const streamlet_ref& ref) {
    problems_.push_back(
        {.kind = problem_kind::invalid_streamlet_class_name,
         .message =
             fmt::format("Class name '{}' for streamlet '{}' is invalid. Class names must be "
                         "valid Java/Scala class names.",
                         ref.class_name.text, ref.name.text),
         .where = ref.class_name.where,
         .suggestion = "write identifiers of letters, digits, '_' and '$' joined by dots"});
  }

  /// The class itself, else the Scala object of that name.
  const streamlet_descriptor* find(const streamlet_ref& ref, const std::string& class_name) {
    const auto first = [&](const std::string& wanted) {
      return std::find_if(descriptors_.begin(), descriptors_.end(),
                          [&](const auto& d) { return d.class_name == wanted; });
    };
    if (const auto exact = first(class_name); exact != descriptors_.end()) return &*exact;
    const auto object = class_name + "$";
    const auto count = std::count_if(descriptors_.begin(), descriptors_.end(),
                                     [&](const auto& d) { return d.class_name == object; });
    if (count == 1) return &*first(object);
    count > 1 ? report_ambiguous(ref) : report_not_found(ref);
    return nullptr;
  }

  void report_ambiguous(const streamlet_ref& ref) {
    problems_.push_back(
        {.kind = problem_kind::ambiguous_streamlet_ref,
         .message = fmt::format("ClassName matching `{}` is ambiguous for streamlet name {}.",
                                ref.class_name.text, ref.name.text),
         .where = ref.class_name.where,
         .suggestion = "two streamlet classes have this name; rename one of them"});
  }

  void report_not_found(const streamlet_ref& ref) {
    problems_.push_back({.kind = problem_kind::streamlet_descriptor_not_found,
                         .message = fmt::format("ClassName {} for {} cannot be found.",
                                                ref.class_name.text, ref.name.text),
                         .where = ref.class_name.where,
                         .suggestion = suggest_class(ref.class_name.text, descriptors_)});
  }

  std::span<const streamlet_descriptor> descriptors_;
  std::vector<problem>& problems_;
};

}  // namespace

std::vector<streamlet_entry> check_streamlets(const model& blueprint,
                                              std::span<const streamlet_descriptor> descriptors,
                                              std::vector<problem>& problems) {
  streamlet_check check{descriptors, problems};
  std::vector<streamlet_entry> entries;
  entries.reserve(blueprint.streamlets.size());
  for (const auto& ref : blueprint.streamlets) entries.push_back(check.check(ref));
  return entries;
}

}  // namespace cloudflow::blueprint::internal
