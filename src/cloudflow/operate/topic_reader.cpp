#include "cloudflow/operate/topic_reader.hpp"

namespace cloudflow::operate {

result<const record_view*> partition_reader::current() {
  while (index_ == batch_.records().size()) {
    if (next_ >= to_) return nullptr;
    auto batch = log_->read(source_, next_, {});
    if (!batch) return error{batch.error().message};
    batch_ = std::move(batch).value();
    index_ = 0;
    if (!batch_.next() || *batch_.next() == next_) return nullptr;
    next_ = *batch_.next();
  }
  const auto& record = batch_.records()[index_];
  return record.offset < to_ ? &record : nullptr;
}

result<partition_reader*> merged_reader::next() {
  partition_reader* earliest = nullptr;
  timestamp at;
  for (auto& part : parts_) {
    auto record = CLOUDFLOW_TRY(part.current());
    if (record == nullptr || (earliest != nullptr && record->time >= at)) continue;
    earliest = &part;
    at = record->time;
  }
  return earliest;
}

}  // namespace cloudflow::operate
