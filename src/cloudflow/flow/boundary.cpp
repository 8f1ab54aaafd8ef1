#include "cloudflow/flow/boundary.hpp"

namespace cloudflow::flow {

kept_origin keep(const batch& b, const record_view& r) {
  kept_origin o{.what = origin_kind::inlet,
                .index = b.inlet,
                .topic = std::string{b.topic},
                .partition = b.partition,
                .offset = r.offset,
                .time = r.time};
  if (r.key.data() != nullptr) o.key.emplace(r.key);
  if (r.value.data() != nullptr) o.value.emplace(r.value);
  for (const auto& h : r.headers) o.headers.emplace_back(h.name, h.value);
  return o;
}

// -- changes --------------------------------------------------------------------------------------

std::size_t changes::byte_size() const noexcept {
  std::size_t sum = state.byte_size();
  for (const auto& output : outputs) sum += output.byte_size();
  for (const auto& r : rejected)
    sum += (r.from.key ? r.from.key->size() : 0) + (r.from.value ? r.from.value->size() : 0);
  return sum;
}

bool changes::empty() const noexcept {
  for (const auto& output : outputs)
    if (output.size() != 0) return false;
  return state.empty() && rejected.empty() && when_durable.empty();
}

void changes::clear() {
  for (auto& output : outputs) output.clear();
  state.clear();
  rejected.clear();
  when_durable.clear();
  counted = {};
  at_work = nullptr;
}

void changes::hand_over(changes& to) {
  while (to.outputs.size() < outputs.size())
    to.outputs.emplace_back(
        static_cast<std::int32_t>(outputs[to.outputs.size()].by_partition().size()));
  for (std::size_t i = 0; i != outputs.size(); ++i) outputs[i].hand_over(to.outputs[i]);
  std::swap(state, to.state);
  std::swap(rejected, to.rejected);
  std::swap(when_durable, to.when_durable);
  to.counted = std::exchange(counted, {});
}

}  // namespace cloudflow::flow
