#include "cloudflow/flow/boundary.hpp"

#include "cloudflow/base/hash.hpp"

#include <fmt/format.h>

namespace cloudflow::flow {

// -- outlet_buffer -----------------------------------------------------------------------------------

std::size_t outlet_buffer::partition_for(std::string_view key) noexcept {
  if (by_partition_.size() == 1) return 0;
  if (key.data() != nullptr)
    return static_cast<std::size_t>(
        partition_of(key, static_cast<std::int32_t>(by_partition_.size())));
  return next_without_key_++ % by_partition_.size();
}

void outlet_buffer::refuse_last(record_buffer& records) {
  has_refused_ = true;
  const auto size = records.last_size();
  records.truncate(records.size() - 1);
  throw std::length_error(
      fmt::format("a record of {} bytes is larger than topic {} takes ({}): raise the topic's "
                  "max.message.bytes, or write smaller records",
                  size, topic_, max_record_bytes_));
}

std::size_t outlet_buffer::byte_size() const noexcept {
  std::size_t sum = 0;
  for (const auto& records : by_partition_) sum += records.byte_size();
  return sum;
}

void outlet_buffer::clear() noexcept {
  for (auto& records : by_partition_) records.clear();
  appended_ = 0;
}

// -- rejected_record ---------------------------------------------------------------------------------

rejected_record rejected(std::size_t inlet, const record_view& record, std::string reason,
                         bool is_decodable) {
  rejected_record r{.inlet = inlet,
                    .offset = record.offset,
                    .key = std::string{record.key},
                    .value = std::string{record.value},
                    .reason = std::move(reason),
                    .is_decodable = is_decodable,
                    .has_key = record.key.data() != nullptr,
                    .has_value = record.value.data() != nullptr};
  for (const auto& h : record.headers) r.headers.emplace_back(h.name, h.value);
  return r;
}

// -- changes -----------------------------------------------------------------------------------------

std::size_t changes::byte_size() const noexcept {
  std::size_t sum = state.byte_size();
  for (const auto& output : outputs) sum += output.byte_size();
  for (const auto& record : rejected) sum += record.key.size() + record.value.size();
  return sum;
}

bool changes::empty() const noexcept {
  for (const auto& output : outputs)
    if (output.size() != 0) return false;
  return !has_unsaved_state && state.empty() && rejected.empty() && when_durable.empty();
}

void changes::clear() {
  for (auto& output : outputs) output.clear();
  state.clear();
  rejected.clear();
  when_durable.clear();
  has_unsaved_state = false;
}

void changes::hand_over(changes& to) {
  while (to.outputs.size() < outputs.size())
    to.outputs.emplace_back(
        static_cast<std::int32_t>(outputs[to.outputs.size()].by_partition().size()));
  for (std::size_t i = 0; i != outputs.size(); ++i) outputs[i].hand_over(to.outputs[i]);
  std::swap(state, to.state);
  std::swap(rejected, to.rejected);
  std::swap(when_durable, to.when_durable);
}

// -- wiring ------------------------------------------------------------------------------------------

namespace {

std::size_t index_of(wiring::members all, const void* member, const char* kind,
                     std::string_view name) {
  for (std::size_t i = 0; i != all.size(); ++i)
    if (all[i] == member) return i;
  throw std::invalid_argument(fmt::format("{} `{}` is not a member of this streamlet", kind, name));
}

}  // namespace

wiring::wiring(members inlets, members outlets, members states, surroundings around)
  : inlets_(inlets),
    outlets_(outlets),
    states_(states),
    around_(std::move(around)),
    read_(inlets.size()),
    written_(outlets.size()),
    kept_(states.size()),
    uses_(states.size()) {}

std::size_t wiring::inlet(const void* port, std::string_view name) {
  const auto i = index_of(inlets_, port, "inlet", name);
  if (read_[i])
    throw std::invalid_argument(
        fmt::format("inlet `{}` is read by two pipelines: use also_to() or split()", name));
  read_[i] = true;
  from_inlet_ = i;
  return i;
}

outlet_buffer* wiring::outlet(const void* port, std::string_view name) {
  const auto i = index_of(outlets_, port, "outlet", name);
  written_[i] = true;
  return &around_.out->outputs[i];
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

const repartition_place* wiring::moves(const void* state, moved_record record) {
  if (!from_inlet_) return nullptr;
  const auto i = index_of(states_, state, "state", {});
  uses_[i].record = record;
  for (const auto& place : around_.repartitions)
    if (place.state == i) return &place;
  return nullptr;
}

void wiring::expect_all_used(const std::vector<std::string>& names) const {
  auto name = names.begin();
  const auto check = [&](const std::vector<bool>& used, const char* kind, const char* verb) {
    for (const bool is_used : used) {
      if (!is_used)
        throw std::invalid_argument(fmt::format("{} `{}` is never {}", kind, *name, verb));
      ++name;
    }
  };
  check(read_, "inlet", "read");
  check(written_, "outlet", "written");
  check(kept_, "state", "used");
}

}  // namespace cloudflow::flow
