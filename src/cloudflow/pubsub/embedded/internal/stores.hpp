/// Schemas and committed state, straight from the disk. Thread-safe.
#pragma once

#include "cloudflow/pubsub/embedded/internal/committer.hpp"

namespace cloudflow::pubsub::embedded {

class embedded_schemas final : public schema_store {
public:
  embedded_schemas(const storage& disk, committer& log, const options& wanted)
    : disk_(disk), log_(log), options_(wanted) {}
  result<void> put(std::string_view fingerprint, std::string_view text) override;
  result<std::optional<std::string>> find(std::string_view fingerprint_prefix) const override;

private:
  const storage& disk_;
  committer& log_;
  const options& options_;
};

class embedded_state final : public state_reader {
public:
  explicit embedded_state(const storage& disk) : disk_(disk) {}
  result<std::optional<std::string>> find(std::string_view store, partition_id partition,
                                          std::string_view key) const override;
  result<void> scan(
      std::string_view store, partition_id partition, std::string_view prefix,
      const std::function<bool(std::string_view key, std::string_view value)>& f) const override;

private:
  const storage& disk_;
};

}  // namespace cloudflow::pubsub::embedded
