#include "cloudflow/sandbox/local_access.hpp"

#include "cloudflow/base/hash.hpp"
#include "cloudflow/flow/boundary.hpp"
#include "cloudflow/sandbox/record_text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace cloudflow::sandbox {

namespace {

/// Reads one partition from one offset on, a batch at a time.
class partition_cursor {
public:
  partition_cursor(const pubsub::backend& log, pubsub::topic_partition source, record_offset next)
    : log_(&log), source_(std::move(source)), next_(next) {}

  /// The record at hand; null at the end. Reads the next batch when it has to.
  result<const record_view*> current() {
    if (index_ == batch_.records().size()) {
      auto batch = log_->read(source_, next_, {});
      if (!batch) return error{batch.error().message};
      batch_ = std::move(batch).value();
      index_ = 0;
      if (batch_.empty()) return nullptr;
      next_ = batch_.records().back().offset + 1;
    }
    return &batch_.records()[index_];
  }
  void advance() { ++index_; }
  std::int32_t partition() const noexcept { return source_.partition.value(); }

private:
  const pubsub::backend* log_;
  pubsub::topic_partition source_;
  record_offset next_;
  pubsub::record_batch batch_;
  std::size_t index_ = 0;
};

class local_access final : public log_access {
public:
  explicit local_access(pubsub::backend& log) : log_(&log) {}

  result<std::vector<pubsub::topic_info>> topics() override {
    auto all = log_->topics();
    if (!all) return error{all.error().message};
    return std::move(all).value();
  }

  result<void> peek(const peek_request& request,
                    const std::function<bool(const shown_record&)>& f) override {
    const auto info = log_->topic(request.topic);
    if (!info) return error{info.error().message};
    auto cursors = cursors_for(request, *info);
    if (!cursors) return std::move(cursors).error();
    record_text text{*log_, info->spec.base_schema, request.has_readable_times};
    for (std::size_t n = 0; n != request.at_most; ++n) {
      auto earliest = earliest_of(*cursors);
      if (!earliest) return std::move(earliest).error();
      if (*earliest == nullptr) return {};
      auto shown = text.show(*(*earliest)->current().value(), (*earliest)->partition());
      if (!shown) return std::move(shown).error();
      if (!f(*shown)) return {};
      (*earliest)->advance();
    }
    return {};
  }

  result<std::size_t> send(const send_request& request) override {
    const auto info = log_->topic(request.topic);
    if (!info) return error{info.error().message};
    record_text text{*log_, info->spec.base_schema, false};
    const auto partitions = static_cast<std::int32_t>(info->partitions.size());
    std::vector<record_buffer> by_partition(info->partitions.size());
    for (std::size_t i = 0; i != request.values_json.size(); ++i) {
      auto encoded = text.encode(request.values_json[i]);
      if (!encoded) return error{fmt::format("record {}: {}", i + 1, encoded.error().message)};
      const auto p = request.key ? partition_of(*request.key, partitions)
                                 : static_cast<std::int32_t>(i) % partitions;
      by_partition[static_cast<std::size_t>(p)].append(
          request.key ? std::string_view{*request.key} : std::string_view{}, *encoded);
    }
    return commit(request.topic, by_partition, request.values_json.size());
  }

private:
  result<std::vector<partition_cursor>> cursors_for(const peek_request& request,
                                                    const pubsub::topic_info& info) {
    const auto count = static_cast<std::int32_t>(info.partitions.size());
    if (request.partition && (*request.partition < 0 || *request.partition >= count))
      return error{fmt::format("topic {} has no partition {}: there are {}, numbered from 0",
                               request.topic, *request.partition, count)};
    std::vector<partition_cursor> cursors;
    for (std::int32_t p = 0; p != count; ++p) {
      if (request.partition && *request.partition != p) continue;
      const auto& range = info.partitions[static_cast<std::size_t>(p)];
      const auto wanted = request.from < 0 ? range.end + request.from : record_offset{request.from};
      cursors.emplace_back(*log_, pubsub::topic_partition{request.topic, partition_id{p}},
                           std::clamp(wanted, range.first, range.end));
    }
    return cursors;
  }

  /// The cursor whose record was appended first; null when all are at the end.
  static result<partition_cursor*> earliest_of(std::vector<partition_cursor>& cursors) {
    partition_cursor* earliest = nullptr;
    timestamp at;
    for (auto& c : cursors) {
      auto record = c.current();
      if (!record) return std::move(record).error();
      if (*record == nullptr || (earliest != nullptr && (*record)->time >= at)) continue;
      earliest = &c;
      at = (*record)->time;
    }
    return earliest;
  }

  result<std::size_t> commit(const std::string& topic,
                             const std::vector<record_buffer>& by_partition, std::size_t count) {
    if (!producer_) {
      auto opened = log_->open_producer({.transactional_id = "send"});
      if (!opened) return error{opened.error().message};
      producer_ = std::move(opened).value();
    }
    pubsub::transaction changes;
    for (std::size_t p = 0; p != by_partition.size(); ++p)
      if (!by_partition[p].empty())
        changes.outputs.push_back(
            {topic, partition_id{static_cast<std::int32_t>(p)}, &by_partition[p]});
    if (auto done = producer_->commit(changes); !done) return error{done.error().message};
    return count;
  }

  pubsub::backend* log_;
  std::unique_ptr<pubsub::producer> producer_;
};

}  // namespace

std::unique_ptr<log_access> make_local_access(pubsub::backend& log) {
  return std::make_unique<local_access>(log);
}

}  // namespace cloudflow::sandbox
