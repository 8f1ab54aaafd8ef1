#pragma once

#include "cloudflow/runtime/streamlet_instance.hpp"
#include "cloudflow/state/store_reader.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace cloudflow::runtime {

/// The committed state of one partition, under the streamlet's own numbering of stores. Throws
/// stores::storage_failure where the log cannot read it.
class store_view final : public stores::store_reader {
public:
  /// `streamlet` outlives it.
  store_view(const streamlet_instance& streamlet, partition_id partition)
    : streamlet_(&streamlet), partition_(partition) {}

  std::optional<std::string> find(std::size_t store, std::string_view key) const override;
  void scan(std::size_t store, std::string_view prefix,
            const std::function<bool(std::string_view, std::string_view)>& f) const override;
  const stores::stored_values& values_of(std::size_t store) const override {
    return streamlet_->store_values[store];
  }

private:
  const streamlet_instance* streamlet_;
  partition_id partition_;
};

}  // namespace cloudflow::runtime
