#include "cloudflow/streamlet/program_facts.hpp"

#include <fmt/format.h>

#include <exception>
#include <utility>

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
      auto needs = definition->check(config_of(s, secrets));
      if (s.replicas > 1)
        if (auto may = can_be_divided(s, needs); !may) add(s.name, may.error().message);
      facts.streamlets.push_back(std::move(needs));
    } catch (const std::exception& e) {
      add(s.name, e.what());
    }
  }
  if (!mistakes.empty()) return error{std::move(mistakes)};
  return facts;
}

result<void> can_be_divided(const blueprint::streamlet_plan& streamlet,
                            const flow::store_needs& needs) {
  if (!streamlet.inlets.empty() || !needs.any()) return {};
  return error{
      "it keeps state or event time and has no inlets, by whose partitions that could be divided: "
      "one process can run it, with replicas = 1 and ordinal 0. Let another streamlet behind it "
      "keep the state, in as many processes as you like."};
}

}  // namespace cloudflow
