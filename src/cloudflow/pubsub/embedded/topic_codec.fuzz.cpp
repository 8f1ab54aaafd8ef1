/// Bytes of a topic's record in the log: a topic that can be written again, or none.
#include "cloudflow/pubsub/embedded/internal/topic_codec.hpp"
#include "cloudflow/base/assert.hpp"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using cloudflow::pubsub::embedded::decode_topic, cloudflow::pubsub::embedded::encode_topic;
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  const auto topic = decode_topic("t", bytes);
  if (!topic) return 0;
  const auto again = decode_topic("t", encode_topic(*topic));
  CLOUDFLOW_ASSERT(again && again->id == topic->id && again->spec == topic->spec,
                   "a topic that was read is written as another");
  return 0;
}
