#include "cloudflow/pubsub/kafka/internal/partition_reader.hpp"

#include "cloudflow/pubsub/kafka/internal/start_finder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace cloudflow::pubsub::kafka {
namespace {

/// For what is asked of brokers only to complete a message.
constexpr int patience_for_details_ms = 1000;

std::string_view bytes(const void* at, std::size_t size) noexcept {
  return {static_cast<const char*>(at), size};
}

}  // namespace

/// A batch while it grows; then its owner.
struct partition_reader::message_block {
  struct headers_of {
    std::size_t record, first, count;
  };

  explicit message_block(std::shared_ptr<shared_client> from) : client(std::move(from)) {}
  message_block(const message_block&) = delete;
  message_block& operator=(const message_block&) = delete;
  ~message_block() {
    for (auto* message : messages) rd_kafka_message_destroy(message);
  }

  void reserve(std::size_t count) {
    messages.reserve(count);
    records.reserve(count);
  }

  void add(rd_kafka_message_t* message) {
    messages.push_back(message);
    rd_kafka_timestamp_type_t type{};
    records.push_back(
        {.key = bytes(message->key, message->key_len),
         .value = bytes(message->payload, message->len),
         .headers = {},
         .time = timestamp{std::chrono::milliseconds{rd_kafka_message_timestamp(message, &type)}},
         .offset = record_offset{message->offset}});
    rd_kafka_headers_t* found = nullptr;
    if (rd_kafka_message_headers(message, &found) == RD_KAFKA_RESP_ERR_NO_ERROR) add_headers(found);
  }

  void add_headers(const rd_kafka_headers_t* found) {
    const auto first = headers.size();
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    for (std::size_t i = 0;
         rd_kafka_header_get_all(found, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR; ++i)
      headers.push_back({name, bytes(value, size)});
    parts.push_back({records.size() - 1, first, headers.size() - first});
  }

  /// Spans are made last, when `headers` grows no more.
  void finish() {
    for (const auto& part : parts)
      records[part.record].headers = std::span{headers}.subspan(part.first, part.count);
  }

  std::shared_ptr<shared_client> client;
  std::vector<rd_kafka_message_t*> messages;
  std::vector<record_view> records;
  std::vector<header_view> headers;
  std::vector<headers_of> parts;
  std::size_t byte_count = 0;
};

partition_reader::partition_reader(std::shared_ptr<shared_client> from, topic_partition source,
                                   const std::function<void()>& on_ready)
  : client_(std::move(from)),
    source_(std::move(source)),
    queue_(rd_kafka_queue_get_partition(client_->get(), source_.topic.c_str(),
                                        source_.partition.value())) {
  rd_kafka_queue_forward(queue_.get(), nullptr);
  if (on_ready) wake_by(*queue_, on_ready);
}

partition_reader::~partition_reader() {
  rd_kafka_queue_cb_event_enable(queue_.get(), nullptr, nullptr);
  drop_pulled();
}

void partition_reader::drop_pulled() noexcept {
  for (; has_pulled(); ++at_) rd_kafka_message_destroy(&front());
}

void partition_reader::start(record_offset next) {
  drop_pulled();
  failed_.reset();
  is_stopped_ = false;
  next_ = next;
}

void partition_reader::stop(pubsub::error why) {
  failed_ = std::move(why);
  is_stopped_ = true;
}

void partition_reader::lose(record_offset next, record_offset end, pubsub::error why) {
  lost_ = loss{next, end, why};
  stop(std::move(why));
}

bool partition_reader::refuse(record_offset next) {
  if (!lost_ || !lost_->covers(next)) return false;
  start(next);
  stop(lost_->why);
  return true;
}

// -- batches --------------------------------------------------------------------------------------

result<record_batch> partition_reader::fetch(fetch_limits limits) {
  if (is_stopped_) return *failed_;
  const auto before = next_;
  const auto block = std::make_shared<message_block>(client_);
  bool has_room = true;
  while (has_room) {
    if (!has_pulled()) {
      const auto bytes_left = limits.max_bytes - std::min(limits.max_bytes, block->byte_count);
      const auto count_left = limits.max_records - block->records.size();
      if (!pull(std::clamp<std::size_t>(bytes_left / usual_size_, 1, count_left))) break;
      if (block->records.empty()) block->reserve(pulled_.size());
    }
    has_room = accept(limits, *block);
  }
  if (!block->records.empty()) {
    block->finish();
    usual_size_ = std::max<std::size_t>(1, block->byte_count / block->records.size());
    return record_batch{block, std::move(block->records), next_};
  }
  if (failed_) return *failed_;
  if (next_ == before) return record_batch{};
  return record_batch{{}, {}, next_};
}

/// False: there is nothing in the queue.
bool partition_reader::pull(std::size_t count) {
  pulled_.resize(count);
  at_ = 0;
  const auto got = rd_kafka_consume_batch_queue(queue_.get(), 0, pulled_.data(), count);
  pulled_.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  return has_pulled();
}

/// Moves what was pulled into the batch. False: the batch is full, or ends before an error.
bool partition_reader::accept(fetch_limits limits, message_block& into) {
  for (; has_pulled(); ++at_) {
    auto& message = front();
    if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      note(message);
      rd_kafka_message_destroy(&message);
      if (!failed_) continue;
      ++at_;
      return false;
    }
    if (message.offset < next_.value()) {
      rd_kafka_message_destroy(&message);
      continue;
    }
    const auto size = message.len + message.key_len;
    if (!into.records.empty() && into.byte_count + size > limits.max_bytes) return false;
    into.add(&message);
    into.byte_count += size;
    next_ = record_offset{message.offset + 1};
    failed_.reset();
    lost_.reset();
    if (into.records.size() == limits.max_records) return ++at_, false;
  }
  return true;
}

// -- what is no record ----------------------------------------------------------------------------

void partition_reader::note(const rd_kafka_message_t& trouble) {
  switch (static_cast<int>(trouble.err)) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
      // The marks of transactions at the end are no records: without this they would look like lag
      // for ever.
      if (trouble.offset < next_.value()) break;  // of before the last seek
      failed_.reset();
      next_ = record_offset{trouble.offset};
      end_ = next_;
      watermark_at_end_ = watermark();
      break;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
      if (trouble.offset < next_.value()) break;
      lost_ = gone(record_offset{trouble.offset});
      failed_ = lost_->why;
      break;
    default:
      failed_ = client_->handle->fail(
          fmt::format("cannot read {}", to_string(source_)),
          failure_of(trouble.err, std::string{rd_kafka_message_errstr(&trouble)}));
  }
}

partition_reader::loss partition_reader::gone(record_offset at) const {
  const auto* topic = source_.topic.c_str();
  const auto partition = source_.partition.value();
  std::int64_t first = 0, end = 0;
  if (rd_kafka_query_watermark_offsets(client_->get(), topic, partition, &first, &end,
                                       patience_for_details_ms) != RD_KAFKA_RESP_ERR_NO_ERROR)
    rd_kafka_get_watermark_offsets(client_->get(), topic, partition, &first, &end);
  return {at, record_offset{end}, out_of_range(source_, at, first, end)};
}

/// Of the last answer of a broker; -1: there was none.
record_offset partition_reader::watermark() const {
  std::int64_t first = 0, watermark = 0;
  const auto code = rd_kafka_get_watermark_offsets(client_->get(), source_.topic.c_str(),
                                                   source_.partition.value(), &first, &watermark);
  return record_offset{code == RD_KAFKA_RESP_ERR_NO_ERROR ? std::max<std::int64_t>(watermark, -1)
                                                          : -1};
}

record_offset partition_reader::end() const {
  // Behind it there may be transactions that are still open: until there is news, the end is where
  // reading ended.
  const auto now = watermark();
  return std::max(now == watermark_at_end_ ? end_ : now, next_);
}

}  // namespace cloudflow::pubsub::kafka
