/// What a cluster keeps for its applications in one compacted topic: schemas, what is known of
/// topics and of stores.
#pragma once

#include "cloudflow/pubsub/backend.hpp"
#include "cloudflow/pubsub/kafka/internal/admin.hpp"
#include "cloudflow/pubsub/kafka/internal/reader.hpp"

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflow::pubsub::kafka {

/// Keys and their values, the last one of a key counting. Keys are text with the kind first, so
/// that a person who reads the topic understands it: `schema/<fingerprint>`, `topic/<name>`,
/// `store/<application>/<name>`.
///
/// All of it is in memory, loaded at the first use. What others have written since is read when a
/// key is not there, at most every 100 ms.
///
/// Concurrency: thread-safe; blocks while the cluster is asked.
class catalog {
public:
  using entry = std::pair<std::string, std::string>;

  catalog(std::shared_ptr<connection> session, const admin& requests, const reader& records);

  /// The value of a key; none: there is none.
  result<std::optional<std::string>> find(const std::string& key);
  /// The first key that begins so, in the order of bytes.
  result<std::optional<entry>> find_first(const std::string& beginning);
  /// All that begin so, with what others have written until now.
  result<std::vector<entry>> all(const std::string& beginning);
  /// Durable when it returns. Costs nothing when the key has this value already.
  result<void> put(const std::string& key, const std::string& value);

private:
  enum class match { all, beginning };

  result<std::optional<entry>> search(const std::string& key, match how);
  std::optional<entry> look(const std::string& key, match how) const;
  result<void> load();
  result<void> follow();
  result<void> ensure_topic();
  result<void> ensure_compaction();

  const std::shared_ptr<connection> session_;
  const admin& requests_;
  const reader& records_;
  const topic_partition where_;

  mutable std::mutex mutex_;  ///< guards all of the following
  std::map<std::string, std::string> entries_;
  record_offset next_{0};
  bool is_loaded_ = false;
  bool topic_exists_ = false, is_writable_ = false;
  std::chrono::nanoseconds followed_at_{0};
};

/// Schemas in a catalog. Thread-safe.
class catalog_schemas final : public schema_store {
public:
  explicit catalog_schemas(catalog& entries) : entries_(entries) {}
  result<void> put(std::string_view fingerprint, std::string_view text) override;
  result<std::optional<std::string>> find(std::string_view fingerprint_prefix) const override;

private:
  catalog& entries_;
};

/// Bytes as digits, for keys.
std::string to_hex(std::string_view bytes);
/// Back again; none where it is not what to_hex makes.
std::optional<std::string> from_hex(std::string_view digits);

}  // namespace cloudflow::pubsub::kafka
