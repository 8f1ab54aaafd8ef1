#include "cloudflow/pubsub/kafka/internal/sender.hpp"

#include "cloudflow/pubsub/kafka/internal/destinations.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>

namespace cloudflow::pubsub::kafka {
namespace {

/// One look at librdkafka, so that a stop is noticed.
constexpr int step_ms = 100;
/// Records at a time that librdkafka is given.
constexpr std::size_t batch_records = 1000;

std::size_t number(rd_kafka_t* rk, const char* property) {
  std::array<char, 32> text{};
  std::size_t size = text.size(), value = 0;
  rd_kafka_conf_get(rd_kafka_conf(rk), property, text.data(), &size);
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// librdkafka takes what is null for missing.
void* bytes(std::string_view s) { return const_cast<char*>(s.data() == nullptr ? "" : s.data()); }

rd_kafka_message_t message_of(const record_buffer& records, const record_buffer::entry& record) {
  rd_kafka_message_t message{};
  if (record.key_size >= 0) {
    message.key = bytes(records.key(record));
    message.key_len = static_cast<std::size_t>(record.key_size);
  }
  if (record.value_size >= 0) {
    message.payload = bytes(records.value(record));
    message.len = static_cast<std::size_t>(record.value_size);
  }
  return message;
}

}  // namespace

result<std::unique_ptr<sender>> sender::open(const std::shared_ptr<connection>& session,
                                             client_spec spec, std::stop_token stop) {
  std::unique_ptr<sender> made{new sender{std::move(stop)}};
  spec.owner = made.get();
  spec.configure = [](rd_kafka_conf_t* conf) { rd_kafka_conf_set_dr_msg_cb(conf, &delivered); };
  auto opened = open_shared(session, spec);
  if (!opened) return std::move(opened).error();
  made->client_ = std::move(opened).value();
  made->queue_bytes_ = 1024 * number(made->get(), "queue.buffering.max.kbytes");
  made->batch_bytes_ = number(made->get(), "batch.size");
  return made;
}

sender::~sender() {
  if (client_) drop();
}

void sender::begin() { failed_.reset(); }

rd_kafka_topic_t* sender::topic(std::string_view name) {
  auto at = topics_.find(name);
  if (at == topics_.end()) {
    std::string owned{name};
    topic_handle made{rd_kafka_topic_new(get(), owned.c_str(), nullptr)};
    at = topics_.emplace(std::move(owned), std::move(made)).first;
  }
  return at->second.get();
}

// -- sending -----------------------------------------------------------------------------------------

result<void> sender::send(const output& what, std::size_t batch_limit, std::int64_t* last_offset) {
  const auto& records = *what.records;
  auto* to = topic(what.topic);
  // librdkafka makes batches of batch.size, and does not divide one that is too large for the topic.
  const auto is_narrow = batch_limit < batch_bytes_;
  std::size_t waiting = 0;
  batch_.clear();
  for (const auto& record : records.entries()) {
    auto* const offset = &record == &records.entries().back() ? last_offset : nullptr;
    if (is_narrow) {
      const auto size = size_on_log(records, record);
      if (waiting + size > batch_limit) {
        if (auto ok = send_batch(to, what.partition); !ok) return ok;
        if (auto ok = flush(); !ok) return ok;
        waiting = 0;
      }
      waiting += size;
    }
    if (record.header_bytes != 0) {
      if (auto ok = send_batch(to, what.partition); !ok) return ok;
      if (auto ok = send_with_headers(to, what.partition, records, record, offset); !ok) return ok;
      continue;
    }
    batch_.push_back(message_of(records, record));
    batch_.back()._private = offset;
    if (batch_.size() < batch_records) continue;
    if (auto ok = send_batch(to, what.partition); !ok) return ok;
  }
  return send_batch(to, what.partition);
}

result<void> sender::send_batch(rd_kafka_topic_t* topic, partition_id partition) {
  for (std::size_t sent = 0; sent != batch_.size();) {
    auto* const next = batch_.data() + sent;
    const auto left = batch_.size() - sent;
    const auto taken = static_cast<std::size_t>(rd_kafka_produce_batch(
        topic, partition.value(), RD_KAFKA_MSG_F_COPY, next, static_cast<int>(left)));
    if (taken == left) break;
    const auto* first = std::find_if(next, next + left, [](const rd_kafka_message_t& message) {
      return message.err != RD_KAFKA_RESP_ERR_NO_ERROR;
    });
    if (first->err != RD_KAFKA_RESP_ERR__QUEUE_FULL)
      return refused(topic, partition, failure_of(first->err));
    sent += taken;  // when the queue is full, what follows is not tried
    if (auto ok = make_room(); !ok) return ok;
  }
  batch_.clear();
  return {};
}

result<void> sender::send_with_headers(rd_kafka_topic_t* topic, partition_id partition,
                                       const record_buffer& records,
                                       const record_buffer::entry& record, std::int64_t* offset) {
  headers_handle headers{rd_kafka_headers_new(4)};
  byte_reader pairs{records.headers(record)};
  while (pairs.remaining() != 0) {
    const auto name = pairs.get_text(), value = pairs.get_text();
    rd_kafka_header_add(headers.get(), name.data(), static_cast<ssize_t>(name.size()), bytes(value),
                        static_cast<ssize_t>(value.size()));
  }
  const auto message = message_of(records, record);
  while (true) {
    // librdkafka owns headers that it has taken, so each try gets a copy.
    headers_handle given{rd_kafka_headers_copy(headers.get())};
    const auto code = rd_kafka_producev(
        get(), RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(partition.value()),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(message.key, message.key_len),
        RD_KAFKA_V_VALUE(message.payload, message.len), RD_KAFKA_V_HEADERS(given.get()),
        RD_KAFKA_V_OPAQUE(offset), RD_KAFKA_V_END);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
      static_cast<void>(given.release());
      return {};
    }
    if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL) return refused(topic, partition, failure_of(code));
    if (auto ok = make_room(); !ok) return ok;
  }
}

/// Waits a while for acknowledgements.
result<void> sender::make_room() {
  rd_kafka_poll(get(), step_ms);
  if (failed_) return *failed_;
  if (stop_.stop_requested()) return stopped();
  return {};
}

// -- arriving ----------------------------------------------------------------------------------------

result<void> sender::flush() {
  while (!failed_ && rd_kafka_flush(get(), step_ms) != RD_KAFKA_RESP_ERR_NO_ERROR)
    if (stop_.stop_requested()) return stopped();
  if (failed_) return *failed_;
  return {};
}

void sender::drop() {
  rd_kafka_purge(get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  rd_kafka_flush(get(), step_ms);
  batch_.clear();
}

void sender::delivered(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
  auto& self = *static_cast<sender*>(client::owner_of(opaque));
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    if (message->_private != nullptr)
      *static_cast<std::int64_t*>(message->_private) = message->offset;
    return;
  }
  if (self.failed_) return;
  const auto* said = rd_kafka_message_produce_errstr(message);
  self.failed_ = self.refused(message->rkt, partition_id{message->partition},
                              failure_of(message->err, said != nullptr ? said : ""));
}

pubsub::error sender::stopped() const {
  return {errc::unavailable,
          through().session().where() + ": stopped before all records had arrived", false, false};
}

pubsub::error sender::refused(rd_kafka_topic_t* topic, partition_id partition,
                              const failure& why) const {
  return through().fail(
      fmt::format("cannot write to {}/{}", rd_kafka_topic_name(topic), partition.value()), why);
}

}  // namespace cloudflow::pubsub::kafka
