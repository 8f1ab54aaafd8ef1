#include "cloudflow/pubsub/transaction.hpp"

namespace cloudflow::pubsub {

std::string to_string(const topic_partition& source) {
  return source.topic + "/" + std::to_string(source.partition.value());
}

}  // namespace cloudflow::pubsub
