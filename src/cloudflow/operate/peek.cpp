#include "cloudflow/operate/peek.hpp"

#include "cloudflow/operate/topic_reader.hpp"

#include <fmt/format.h>

namespace cloudflow::operate {

namespace {

result<std::vector<partition_reader>> readers_of(const pubsub::backend& log,
                                                 const peek_request& request,
                                                 const pubsub::topic_info& info) {
  const auto count = static_cast<std::int32_t>(info.partitions.size());
  if (request.partition && (*request.partition < 0 || *request.partition >= count))
    return error{fmt::format("topic {} has no partition {}: there are {}, numbered from 0",
                             request.topic, *request.partition, count)};
  std::vector<partition_reader> readers;
  for (std::int32_t p = 0; p != count; ++p) {
    if (request.partition && *request.partition != p) continue;
    const pubsub::topic_partition source{request.topic, partition_id{p}};
    const auto& range = info.partitions[static_cast<std::size_t>(p)];
    const auto from = CLOUDFLOW_TRY(request.from.near(log, source, range));
    readers.emplace_back(log, source, from, range.end);
  }
  return readers;
}

}  // namespace

result<void> peek(pubsub::backend& log, const peek_request& request,
                  const std::function<bool(const shown_record&)>& f) {
  const auto info = log.topic(request.topic);
  if (!info) return error{info.error().message};
  auto readers = CLOUDFLOW_TRY(readers_of(log, request, *info));
  merged_reader all{std::move(readers)};
  record_text text{log, info->spec.base_schema, request.has_readable_times};
  for (std::size_t n = 0; n != request.at_most; ++n) {
    auto next = CLOUDFLOW_TRY(all.next());
    if (next == nullptr) return {};
    const auto* record = next->current().value();
    const auto shown = CLOUDFLOW_TRY(text.show(*record, next->source().partition.value()));
    if (!f(shown)) return {};
    next->advance();
  }
  return {};
}

}  // namespace cloudflow::operate
