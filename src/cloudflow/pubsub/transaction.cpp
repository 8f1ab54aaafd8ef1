#include "cloudflow/pubsub/transaction.hpp"

#include "cloudflow/base/bytes.hpp"

namespace cloudflow::pubsub {

std::string split_of(const topic_partition& source) {
  return source.topic + "/" + std::to_string(source.partition.value());
}

std::string encode_offset(record_offset next) {
  byte_writer w;
  w.put_long(next.value());
  return std::string{w.view()};
}

std::optional<record_offset> decode_offset(std::string_view position) {
  byte_reader r{position};
  const record_offset next{r.get_long()};
  if (!r.complete() || next.value() < 0) return {};
  return next;
}

}  // namespace cloudflow::pubsub
