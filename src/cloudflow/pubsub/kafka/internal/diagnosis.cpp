#include "cloudflow/pubsub/kafka/internal/diagnosis.hpp"

namespace cloudflow::pubsub::kafka {

finding explain(rd_kafka_resp_err_t code, std::string_view text) {
  return {errc::unavailable, static_cast<int>(code), std::string{text}};
}

void diagnosis::note(rd_kafka_resp_err_t code, std::string_view text) {
  auto found = explain(code, text);
  const std::lock_guard lock{mutex_};
  if (!heaviest_ || found.weight >= heaviest_->weight) heaviest_ = std::move(found);
}

std::optional<finding> diagnosis::told() const {
  const std::lock_guard lock{mutex_};
  return heaviest_;
}

void diagnosis::forget() {
  const std::lock_guard lock{mutex_};
  heaviest_.reset();
}

}  // namespace cloudflow::pubsub::kafka
