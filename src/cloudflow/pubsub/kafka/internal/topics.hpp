/// Topics as the backend shows them: what the brokers say, and what the catalog knows.
#pragma once

#include "cloudflow/pubsub/kafka/internal/admin.hpp"
#include "cloudflow/pubsub/kafka/internal/catalog.hpp"

#include <span>
#include <string>
#include <vector>

namespace cloudflow::pubsub::kafka {

/// Concurrency: thread-safe; blocks while the cluster is asked.
class topics {
public:
  topics(std::shared_ptr<connection> session, const admin& requests, catalog& known)
    : session_(std::move(session)), requests_(requests), known_(known) {}

  /// See backend::ensure_topic. Properties that the topic has and `wanted` does not name are left
  /// as they are.
  result<topic_info> ensure(const topic_spec& wanted);
  /// Those of the catalog that still exist, by name.
  result<std::vector<topic_info>> all() const;
  /// Any topic of the cluster.
  result<topic_info> one(const std::string& name) const;

private:
  result<std::int32_t> grow(const topic_spec& wanted, std::int32_t from) const;
  result<void> compare(const topic_spec& wanted, const topic_facts& found) const;
  result<void> apply(const topic_spec& wanted) const;
  result<std::string> base_schema(const std::string& topic) const;
  result<void> record(const topic_spec& wanted);
  result<std::vector<topic_info>> describe(std::span<const topic_facts> found) const;
  result<void> add_ranges(std::vector<topic_info>& to) const;

  const std::shared_ptr<connection> session_;
  const admin& requests_;
  catalog& known_;
};

}  // namespace cloudflow::pubsub::kafka
