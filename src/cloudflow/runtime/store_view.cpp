#include "cloudflow/runtime/store_view.hpp"

namespace cloudflow::runtime {

std::optional<std::string> store_view::find(std::size_t store, std::string_view key) const {
  auto found = streamlet_->log->state().find(streamlet_->store_names[store], partition_, key);
  if (!found) throw stores::storage_failure(found.error().message);
  return std::move(found).value();
}

void store_view::scan(std::size_t store, std::string_view prefix,
                      const std::function<bool(std::string_view, std::string_view)>& f) const {
  const auto scanned =
      streamlet_->log->state().scan(streamlet_->store_names[store], partition_, prefix, f);
  if (!scanned) throw stores::storage_failure(scanned.error().message);
}

}  // namespace cloudflow::runtime
