#include "cloudflow/sandbox/project.hpp"

#include "cloudflow/streamlet/program_facts.hpp"

#include <fmt/format.h>

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace cloudflow::sandbox {

namespace {

void add_line(std::string& text, std::string_view line) {
  if (!text.empty()) text += '\n';
  text += line;
}

}  // namespace

result<project> project::load(std::span<const streamlet_definition* const> streamlets,
                              const application_info& info) {
  project p;
  p.info_ = info;
  std::string mistakes;
  for (const auto* s : streamlets) {
    auto described = s->describe();
    if (!described) {
      add_line(mistakes, described.error().message);
      continue;
    }
    if (!p.by_class_.emplace(described->class_name, s).second)
      add_line(mistakes,
               fmt::format("streamlet {}: main() names this class twice, or two classes have this "
                           "class_name",
                           described->class_name));
    p.descriptors_.push_back(std::move(described).value());
  }
  if (!mistakes.empty()) return error{std::move(mistakes)};
  return p;
}

result<blueprint::verification> project::verify_file(const std::string& path) const {
  std::ifstream file{path};
  std::stringstream text;
  text << file.rdbuf();
  if (!file) return error{fmt::format("{}: cannot be read", path)};
  return blueprint::verify(text.str(), path, descriptors_);
}

const streamlet_definition* project::definition_of(const std::string& class_name) const {
  const auto it = by_class_.find(class_name);
  return it == by_class_.end() ? nullptr : it->second;
}

result<blueprint::verification> project::verify() const {
  return blueprint::verify(info_.blueprint_text, std::string{info_.blueprint_file}, descriptors_);
}

result<app::configured_plan> project::make_plan(const app::configuration_arguments& arguments,
                                                const std::string& state_directory,
                                                bool needs_parameters) const {
  return app::configure(
      info_, descriptors_, arguments,
      {.mount_root = state_directory + "/mounts", .needs_parameters = needs_parameters});
}

result<void> project::check_values(const app::configured_plan& configured) const {
  CLOUDFLOW_TRY(facts_of_program(configured.plan, configured.secrets,
                                 [this](const std::string& name) { return definition_of(name); }));
  return {};
}

}  // namespace cloudflow::sandbox
