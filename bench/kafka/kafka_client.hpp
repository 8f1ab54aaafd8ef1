/// librdkafka for programs that end with a sentence when something is wrong.
#pragma once

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bench {

[[noreturn]] inline void fail(std::string_view what) {
  fmt::print(stderr, "error: {}\n", what);
  std::exit(1);
}

struct destroy {
  void operator()(rd_kafka_t* c) const noexcept { rd_kafka_destroy(c); }
  void operator()(rd_kafka_topic_t* t) const noexcept { rd_kafka_topic_destroy(t); }
  void operator()(rd_kafka_queue_t* q) const noexcept { rd_kafka_queue_destroy(q); }
  void operator()(rd_kafka_message_t* m) const noexcept { rd_kafka_message_destroy(m); }
  void operator()(rd_kafka_topic_partition_list_t* l) const noexcept {
    rd_kafka_topic_partition_list_destroy(l);
  }
  void operator()(const rd_kafka_metadata_t* m) const noexcept { rd_kafka_metadata_destroy(m); }
};
template <class T>
using owned = std::unique_ptr<T, destroy>;

using settings = std::vector<std::pair<std::string, std::string>>;
using on_delivery = void (*)(rd_kafka_t*, const rd_kafka_message_t*, void*);

/// @param delivered called from rd_kafka_poll(); none: what cannot be delivered ends the program.
inline owned<rd_kafka_t> open_client(rd_kafka_type_t type, const std::string& brokers,
                                     const settings& how, on_delivery delivered = nullptr) {
  auto* conf = rd_kafka_conf_new();
  char problem[512];
  const auto set = [&](const std::string& name, const std::string& value) {
    if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), problem, sizeof problem) !=
        RD_KAFKA_CONF_OK)
      fail(problem);
  };
  set("bootstrap.servers", brokers);
  for (const auto& [name, value] : how) set(name, value);
  const auto must_arrive = [](rd_kafka_t*, const rd_kafka_message_t* m, void*) {
    if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR) fail(rd_kafka_err2str(m->err));
  };
  if (type == RD_KAFKA_PRODUCER)
    rd_kafka_conf_set_dr_msg_cb(conf, delivered != nullptr ? delivered : must_arrive);
  owned<rd_kafka_t> client{rd_kafka_new(type, conf, problem, sizeof problem)};
  if (!client) fail(problem);
  if (type == RD_KAFKA_CONSUMER) rd_kafka_poll_set_consumer(client.get());
  return client;
}

inline void check(rd_kafka_resp_err_t code, std::string_view doing) {
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
    fail(fmt::format("{}: {}", doing, rd_kafka_err2str(code)));
}

inline std::int32_t partitions_of(rd_kafka_t* client, const std::string& topic) {
  const owned<rd_kafka_topic_t> handle{rd_kafka_topic_new(client, topic.c_str(), nullptr)};
  const rd_kafka_metadata_t* found = nullptr;
  check(rd_kafka_metadata(client, 0, handle.get(), &found, 10'000), topic);
  const owned<const rd_kafka_metadata_t> owner{found};
  if (found->topic_cnt != 1 || found->topics[0].partition_cnt == 0)
    fail(fmt::format("there is no topic {}", topic));
  return found->topics[0].partition_cnt;
}

inline std::string_view value_of(const rd_kafka_message_t& m) {
  return {static_cast<const char*>(m.payload), m.len};
}

/// Messages as librdkafka hands them out; destroyed by the next fill() and at the end.
class message_batch {
public:
  explicit message_batch(std::size_t most) : all_(most) {}
  message_batch(const message_batch&) = delete;
  message_batch& operator=(const message_batch&) = delete;
  ~message_batch() { clear(); }

  /// What there is; waits for the first message, not for more of them.
  void fill(rd_kafka_t* consumer, rd_kafka_queue_t* queue, int patience_ms) {
    clear();
    auto* first = rd_kafka_consumer_poll(consumer, patience_ms);
    if (first == nullptr) return;
    all_[size_++] = first;
    const auto more = rd_kafka_consume_batch_queue(queue, 0, all_.data() + 1, all_.size() - 1);
    if (more > 0) size_ += static_cast<std::size_t>(more);
  }
  rd_kafka_message_t* const* begin() const noexcept { return all_.data(); }
  rd_kafka_message_t* const* end() const noexcept { return all_.data() + size_; }
  bool empty() const noexcept { return size_ == 0; }

private:
  void clear() noexcept {
    for (auto* m : *this) rd_kafka_message_destroy(m);
    size_ = 0;
  }

  std::vector<rd_kafka_message_t*> all_;
  std::size_t size_ = 0;
};

}  // namespace bench
