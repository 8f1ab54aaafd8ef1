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
/// What is handed over at a time: librdkafka copies it, and takes three times as much for itself.
/// But of each partition enough to be worth a request.
constexpr std::size_t round_bytes = 2 * 1024 * 1024, least_batch_bytes = 64 * 1024;

std::size_t number(rd_kafka_t* rk, const char* property) {
  std::array<char, 32> text{};
  std::size_t size = text.size(), value = 0;
  rd_kafka_conf_get(rd_kafka_conf(rk), property, text.data(), &size);
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// The bytes that a record takes in a batch, or a few more.
std::size_t most_on_log(const record_buffer::entry& record) noexcept {
  constexpr std::size_t numbers =
      40;  // sizes of record, key, value and headers; attributes, time, offset
  return numbers + static_cast<std::size_t>(std::max(record.key_size, 0)) +
         static_cast<std::size_t>(std::max(record.value_size, 0)) + record.header_bytes;
}

/// librdkafka takes what is null for missing.
void* bytes(std::string_view s) { return const_cast<char*>(s.data() == nullptr ? "" : s.data()); }

/// Not a pointer: an acknowledgement may come when nobody waits for it any more. Never null.
void* token_of(std::uint32_t round, std::size_t number) {
  static_assert(sizeof(void*) == 8);
  // NOLINTNEXTLINE(performance-no-int-to-ptr): librdkafka hands it back and never follows it
  return reinterpret_cast<void*>((std::uintptr_t{round} << 32) | number);
}

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
  made->client_ = CLOUDFLOW_TRY(open_shared(session, spec));
  made->queue_bytes_ = 1024 * number(made->get(), "queue.buffering.max.kbytes");
  made->batch_bytes_ = number(made->get(), "batch.size");
  made->batch_records_ = number(made->get(), "batch.num.messages");
  made->transaction_timeout_ =
      std::chrono::milliseconds{number(made->get(), "transaction.timeout.ms")};
  return made;
}

/// What is queued ends with the client, which may not answer.
sender::~sender() {
  if (client_) through().hang();
}

void sender::begin() {
  lanes_.clear();
  failed_.reset();
  last_offsets_.clear();
  ++round_;
}

std::size_t sender::add_tracked(const output& what, std::size_t batch_limit) {
  last_offsets_.push_back(-1);
  add(what, batch_limit, token_of(round_, last_offsets_.size()));
  return last_offsets_.size() - 1;
}

void sender::add(const output& what, std::size_t batch_limit, void* token) {
  if (what.records->empty()) return;
  auto* const to = topic(what.topic);
  // librdkafka does not divide a batch that is too large for the topic.
  lane empty{to, what.partition, std::min(batch_limit, batch_bytes_)};
  const auto at = lanes_.try_emplace({to, what.partition}, std::move(empty)).first;
  at->second.parts.push_back({what.records, token});
}

void sender::lane::step() noexcept {
  if (++next != current().records->size()) return;
  next = 0;
  ++at;
}

rd_kafka_topic_t* sender::topic(std::string_view name) {
  auto at = topics_.find(name);
  if (at == topics_.end()) {
    std::string owned{name};
    topic_handle made{rd_kafka_topic_new(get(), owned.c_str(), nullptr)};
    at = topics_.emplace(std::move(owned), std::move(made)).first;
  }
  return at->second.get();
}

// -- sending --------------------------------------------------------------------------------------

result<void> sender::send() {
  const auto is_over = [](const auto& each) { return each.second.is_over(); };
  const auto share =
      std::max(round_bytes / std::max<std::size_t>(lanes_.size(), 1), least_batch_bytes);
  for (auto& [to, each] : lanes_) each.batch_limit = std::min(each.batch_limit, share);
  while (!std::ranges::all_of(lanes_, is_over)) {
    for (auto& [to, each] : lanes_) CLOUDFLOW_TRY(hand_over_batch(each));
    CLOUDFLOW_TRY(flush());
  }
  return {};
}

/// As much as goes into one request; at least a record.
result<void> sender::hand_over_batch(lane& from) {
  messages_.clear();
  std::size_t size = 0;
  for (std::size_t count = 0; !from.is_over(); ++count, from.step()) {
    const auto& record = from.record();
    size += most_on_log(record);
    if (count != 0 && (size > from.batch_limit || count == batch_records_)) break;
    if (record.header_bytes == 0) {
      messages_.push_back(message_of(*from.current().records, record));
      messages_.back()._private = from.current().token;
      continue;
    }
    CLOUDFLOW_TRY(hand_over(from));
    CLOUDFLOW_TRY(hand_over_with_headers(from));
  }
  return hand_over(from);
}

/// The messages, which have no headers.
result<void> sender::hand_over(const lane& from) {
  for (std::size_t done = 0; done != messages_.size();) {
    auto* const next = messages_.data() + done;
    const auto left = messages_.size() - done;
    const auto taken = static_cast<std::size_t>(rd_kafka_produce_batch(
        from.topic, from.partition.value(), RD_KAFKA_MSG_F_COPY, next, static_cast<int>(left)));
    if (taken == left) break;
    const auto* first = std::find_if(next, next + left, [](const rd_kafka_message_t& message) {
      return message.err != RD_KAFKA_RESP_ERR_NO_ERROR;
    });
    if (first->err != RD_KAFKA_RESP_ERR__QUEUE_FULL)
      return refused(from.topic, from.partition, failure_of(first->err));
    done += taken;  // when the queue is full, what follows is not tried
    CLOUDFLOW_TRY(make_room());
  }
  messages_.clear();
  return {};
}

result<void> sender::hand_over_with_headers(const lane& from) {
  const auto& [records, token] = from.current();
  const auto& record = from.record();
  headers_handle headers{rd_kafka_headers_new(4)};
  byte_reader pairs{records->headers(record)};
  while (pairs.remaining() != 0) {
    const auto name = pairs.get_text(), value = pairs.get_text();
    rd_kafka_header_add(headers.get(), name.data(), static_cast<ssize_t>(name.size()), bytes(value),
                        static_cast<ssize_t>(value.size()));
  }
  const auto message = message_of(*records, record);
  while (true) {
    std::array<rd_kafka_vu_t, 7> parts{};
    parts[0].vtype = RD_KAFKA_VTYPE_RKT;
    parts[0].u.rkt = from.topic;
    parts[1].vtype = RD_KAFKA_VTYPE_PARTITION;
    parts[1].u.i32 = from.partition.value();
    parts[2].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
    parts[2].u.i = RD_KAFKA_MSG_F_COPY;
    parts[3].vtype = RD_KAFKA_VTYPE_KEY;
    parts[3].u.mem.ptr = message.key;
    parts[3].u.mem.size = message.key_len;
    parts[4].vtype = RD_KAFKA_VTYPE_VALUE;
    parts[4].u.mem.ptr = message.payload;
    parts[4].u.mem.size = message.len;
    parts[5].vtype = RD_KAFKA_VTYPE_HEADERS;
    parts[5].u.headers = headers.get();
    parts[6].vtype = RD_KAFKA_VTYPE_OPAQUE;
    parts[6].u.ptr = token;
    const error_handle problem{rd_kafka_produceva(get(), parts.data(), parts.size())};
    const auto code = problem ? rd_kafka_error_code(problem.get()) : RD_KAFKA_RESP_ERR_NO_ERROR;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
      static_cast<void>(headers.release());  // librdkafka owns those that it has taken
      return {};
    }
    if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL)
      return refused(from.topic, from.partition, failure_of(code));
    CLOUDFLOW_TRY(make_room());
  }
}

/// Waits a while for acknowledgements.
result<void> sender::make_room() {
  rd_kafka_poll(get(), step_ms);
  if (failed_) return *failed_;
  if (stop_.stop_requested()) return stopped();
  return {};
}

// -- arriving -------------------------------------------------------------------------------------

result<void> sender::flush() {
  while (!failed_ && rd_kafka_flush(get(), step_ms) != RD_KAFKA_RESP_ERR_NO_ERROR)
    if (stop_.stop_requested()) return stopped();
  if (failed_) return *failed_;
  return {};
}

void sender::drop() {
  rd_kafka_purge(get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  rd_kafka_flush(get(), step_ms);
  lanes_.clear();
}

void sender::delivered(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
  auto* const owner = static_cast<sender*>(client::owner_of(opaque));
  if (owner == nullptr) return;
  auto& self = *owner;
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    if (message->_private != nullptr) self.note_offset(*message);
    return;
  }
  if (self.failed_) return;
  const auto* said = rd_kafka_message_produce_errstr(message);
  self.failed_ = self.refused(message->rkt, partition_id{message->partition},
                              failure_of(message->err, said != nullptr ? said : ""));
}

void sender::note_offset(const rd_kafka_message_t& message) {
  const auto token = reinterpret_cast<std::uintptr_t>(message._private);
  const auto at = token & 0xffff'ffff;
  if (token >> 32 == round_ && at <= last_offsets_.size()) last_offsets_[at - 1] = message.offset;
}

pubsub::error sender::stopped() const {
  return {errc::failed, through().session().where() + ": stopped before all records had arrived"};
}

pubsub::error sender::refused(rd_kafka_topic_t* topic, partition_id partition,
                              const failure& why) const {
  return through().fail(
      fmt::format("cannot write to {}/{}", rd_kafka_topic_name(topic), partition.value()), why);
}

}  // namespace cloudflow::pubsub::kafka
