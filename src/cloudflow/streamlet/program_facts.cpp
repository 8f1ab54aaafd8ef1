#include "cloudflow/streamlet/program_facts.hpp"

#include <fmt/format.h>

#include <exception>

namespace cloudflow {

streamlet_config config_of(const blueprint::streamlet_plan& streamlet,
                           const blueprint::secret_texts& secrets) {
  streamlet_config where;
  where.streamlet = streamlet.name;
  where.parameters = texts_of(streamlet.parameters, secrets);
  where.mounts = streamlet.mounts;
  return where;
}

result<program_facts> facts_of_program(const blueprint::plan& plan,
                                       const blueprint::secret_texts& secrets,
                                       const find_definition& definition_of) {
  program_facts facts;
  std::string mistakes;
  const auto add = [&mistakes](const std::string& streamlet, std::string_view what) {
    mistakes += fmt::format("{}streamlet {}: {}", mistakes.empty() ? "" : "\n", streamlet, what);
  };
  for (const auto& s : plan.streamlets) {
    const auto* definition = definition_of(s.class_name);
    if (definition == nullptr) {
      add(s.name,
          fmt::format("this program has no class {}: add it to the list in main()", s.class_name));
      continue;
    }
    try {
      facts.streamlets.push_back(definition->check(config_of(s, secrets)));
    } catch (const std::exception& e) {
      add(s.name, e.what());
    }
  }
  if (!mistakes.empty()) return error{std::move(mistakes)};
  return facts;
}

}  // namespace cloudflow
