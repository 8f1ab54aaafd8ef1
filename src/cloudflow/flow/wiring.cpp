#include "cloudflow/flow/wiring.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace cloudflow::flow {

namespace {

std::size_t index_of(wiring::members all, const void* member, const char* kind,
                     std::string_view name) {
  for (std::size_t i = 0; i != all.size(); ++i)
    if (all[i] == member) return i;
  throw std::invalid_argument(fmt::format("{} `{}` is not a member of this streamlet", kind, name));
}

}  // namespace

wiring::wiring(members inlets, members outlets, members states, dependencies around)
  : inlets_(inlets),
    outlets_(outlets),
    states_(states),
    dependencies_(std::move(around)),
    read_(inlets.size()),
    written_(outlets.size()),
    kept_(states.size()),
    uses_(states.size()) {}

const quarantine& wiring::bad() const noexcept {
  static const quarantine nothing;
  return dependencies_.bad != nullptr ? *dependencies_.bad : nothing;
}

const std::atomic<bool>& wiring::must_leave() const noexcept {
  static constexpr std::atomic<bool> never{false};
  return dependencies_.must_leave != nullptr ? *dependencies_.must_leave : never;
}

std::size_t wiring::inlet(const void* port, std::string_view name) {
  const auto i = index_of(inlets_, port, "inlet", name);
  if (read_[i])
    throw std::invalid_argument(
        fmt::format("inlet `{}` is read by two pipelines: use also_to() or split()", name));
  read_[i] = true;
  from_inlet_ = i;
  from_inlet_name_ = name;
  return i;
}

outlet_buffer* wiring::outlet(const void* port, std::string_view name) {
  const auto i = index_of(outlets_, port, "outlet", name);
  written_[i] = true;
  return &dependencies_.out->outputs[i];
}

std::size_t wiring::state(const void* member, std::string_view name, store_use use) {
  const auto i = index_of(states_, member, "state", name);
  if (kept_[i])
    throw std::invalid_argument(
        fmt::format("state `{}` is kept by two stages: give each its own", name));
  kept_[i] = true;
  uses_[i] = std::move(use);
  uses_[i].from_inlet = from_inlet_;
  return i;
}

std::string wiring::next_watermark() {
  ++watermarks_;
  const auto of = from_inlet_ ? from_inlet_name_ : std::string{};
  return fmt::format("{}.{}", of, watermarks_of_[of]++);
}

const repartition_ports* wiring::moves(const void* state, moved_record record) {
  if (!from_inlet_) return nullptr;
  const auto i = index_of(states_, state, "state", {});
  uses_[i].record = record;
  for (const auto& place : dependencies_.repartitions)
    if (place.state == i) return &place;
  return nullptr;
}

std::vector<std::string> wiring::unused(const std::vector<std::string>& names) const {
  std::vector<std::string> sentences;
  auto name = names.begin();
  const auto check = [&](const std::vector<bool>& used, const char* kind, const char* verb) {
    for (const bool is_used : used) {
      if (!is_used) sentences.push_back(fmt::format("{} `{}` is never {}", kind, *name, verb));
      ++name;
    }
  };
  check(read_, "inlet", "read");
  check(written_, "outlet", "written");
  check(kept_, "state", "used");
  return sentences;
}

}  // namespace cloudflow::flow
