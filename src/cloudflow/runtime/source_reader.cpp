#include "cloudflow/runtime/source_reader.hpp"

#include <algorithm>
#include <stdexcept>

namespace cloudflow::runtime {

bool source_reader::fill(source& s, timestamp now) const {
  if (!s.is_exhausted()) return true;
  auto batch = s.from->fetch(s.at, limits_);
  if (!batch) throw std::runtime_error(batch.error().message);
  s.batch = std::move(batch).value();
  if (!s.batch.empty())
    s.quiet_since.reset();
  else if (!s.quiet_since)
    s.quiet_since = now;
  s.left = streamlet_->inlets[s.inlet].reader.convert(s.batch.records(), s.decoded);
  std::erase_if(s.bad, [](const auto& each) { return !each.second.is_decodable; });
  for (const auto& [index, why] : s.decoded.failures)
    s.bad.insert_or_assign(s.batch.records()[index].offset, bad_record{why, false});
  reject_suspects(s);
  s.skip_to_next_batch();
  return !s.is_exhausted();
}

/// Records that are known to end the process.
void source_reader::reject_suspects(source& s) const {
  for (const auto& c : streamlet_->suspects)
    if (c.is_found() && c.is_of(s.at.topic, s.at.partition.value()))
      for (const auto& r : s.left)
        if (c.contains(r.offset.value())) s.bad.insert_or_assign(r.offset, bad_record{c.reason()});
}

std::span<const record_view> source_reader::run_at_once(const source& s,
                                                        std::span<const record_view> records) {
  if (alone_ != 0) {
    --alone_;
    return records.first(1);
  }
  for (const auto& c : streamlet_->suspects) {
    if (!c.is_run_alone() || !c.is_of(s.at.topic, s.at.partition.value())) continue;
    const auto first = std::ranges::find_if(
        records, [&c](const record_view& r) { return c.contains(r.offset.value()); });
    const auto before = static_cast<std::size_t>(first - records.begin());
    records = records.first(std::max<std::size_t>(before, 1));
  }
  return records;
}

}  // namespace cloudflow::runtime
