#include "cloudflow/runner/shadow_run.hpp"

#include "cloudflow/application/provision.hpp"

#include <algorithm>

namespace cloudflow::runner {

namespace {

bounded_log::ends ends_of(const std::vector<operate::replay_part>& parts) {
  bounded_log::ends ends;
  for (const auto& part : parts) ends.emplace(part.source, part.to);
  return ends;
}

/// Where the groups have no position yet, they begin with the range.
result<void> begin_at(pubsub::backend& log, const std::string& id,
                      const std::vector<operate::replay_part>& parts) {
  pubsub::transaction changes;
  for (const auto& part : parts) {
    const auto position = log.position(part.group, part.source);
    if (!position) return error{position.error().message};
    if (!*position)
      changes.positions.push_back(
          {part.group, part.source.topic, part.source.partition, part.from});
  }
  if (changes.empty()) return {};
  auto writer = log.open_producer({.transactional_id = id});
  if (!writer) return error{std::move(writer).error().message};
  if (auto done = (*writer)->commit(changes); !done) return error{done.error().message};
  return {};
}

}  // namespace

shadow_run::shadow_run(pubsub::backend& log, std::vector<operate::replay_part> parts)
  : parts_(std::move(parts)), log_(log, ends_of(parts_)) {}

result<std::unique_ptr<shadow_run>> shadow_run::create(
    const blueprint::plan& shadow, const std::vector<operate::replay_part>& parts,
    const runtime::dependencies& around, runtime::runtime_options options) {
  const auto& name = shadow.streamlets.front().name;
  CLOUDFLOW_TRY(begin_at(*around.log, shadow.names().replay_id(name), parts));
  std::unique_ptr<shadow_run> run{new shadow_run(*around.log, parts)};
  auto bounded = around;
  bounded.log = &run->log_;
  options.instance = name;
  auto facts = CLOUDFLOW_TRY(app::provision(shadow, run->log_));
  run->runtime_ = CLOUDFLOW_TRY(
      runtime::native_runtime::create(shadow, std::move(facts), std::move(bounded), options));
  return run;
}

std::int64_t shadow_run::records() const {
  std::int64_t sum = 0;
  for (const auto& part : parts_) sum += part.records();
  return sum;
}

std::int64_t shadow_run::records_done() const {
  std::int64_t sum = 0;
  for (const auto& task : runtime_->status())
    for (const auto& source : task.sources)
      for (const auto& part : parts_)
        if (part.source == pubsub::topic_partition{source.topic, partition_id{source.partition}})
          sum += std::clamp<std::int64_t>(source.position - part.from.value(), 0, part.records());
  return sum;
}

std::uint64_t shadow_run::written() const {
  std::uint64_t sum = 0;
  for (const auto& t : runtime_->status()) sum += t.records_out;
  return sum;
}

std::uint64_t shadow_run::refused() const {
  std::uint64_t sum = 0;
  for (const auto& t : runtime_->status()) sum += t.records_rejected;
  return sum;
}

}  // namespace cloudflow::runner
