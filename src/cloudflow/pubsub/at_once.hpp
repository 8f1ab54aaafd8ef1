/// Parts of a backend whose log is so near that nothing has to be waited for.
#pragma once

#include "cloudflow/pubsub/backend.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <utility>

namespace cloudflow::pubsub {

/// A producer that has committed when begin() returns.
class producer_at_once : public producer {
public:
  void begin(const transaction& changes) override { outcome_ = commit(changes); }
  std::optional<result<void>> outcome() override { return std::exchange(outcome_, std::nullopt); }
  std::string trouble() const override { return {}; }

private:
  std::optional<result<void>> outcome_;
};

/// Calls `then` with the end of a partition, as topic() says it.
inline void tell_end(const topic_catalog& log, const topic_partition& of,
                     const std::function<void(const result<record_offset>&)>& then) {
  const auto info = log.topic(of.topic);
  const auto at = static_cast<std::size_t>(of.partition.value());
  if (!info)
    then(info.error());
  else if (at >= info->partitions.size())
    then(error{errc::topic_not_found, "There is no such partition."});
  else
    then(info->partitions[at].end);
}

}  // namespace cloudflow::pubsub
