#include "latency.hpp"

#include "kafka_client.hpp"
#include "log_lines.hpp"

#include "cloudflow/base/bytes.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <thread>

namespace bench {
namespace {

using cloudflow::codec;
using std::chrono::microseconds, std::chrono::milliseconds, std::chrono::seconds;
using monotonic = std::chrono::steady_clock;

constexpr seconds warm_up{2};

std::int64_t now_us() {
  return std::chrono::duration_cast<microseconds>(monotonic::now().time_since_epoch()).count();
}

/// Sends what is due, every millisecond.
class sender {
public:
  sender(const std::string& brokers, const std::string& topic, const pace& at)
    : client_(open_client(RD_KAFKA_PRODUCER, brokers,
                          {{"linger.ms", "1"}, {"queue.buffering.max.messages", "1000000"}})),
      topic_(rd_kafka_topic_new(client_.get(), topic.c_str(), nullptr)),
      partitions_(partitions_of(client_.get(), topic)),
      at_(at),
      total_(at.lines_per_second * (at.seconds + warm_up.count())),
      lines_(0, total_ / 100 * 100 + 100, total_) {}

  std::int64_t wanted() const noexcept { return wanted_; }
  std::int64_t late_us() const noexcept { return late_us_; }

  void run() {
    first_us_ = now_us();
    for (std::int64_t sent = 0; sent != total_;) {
      const auto due = std::min(total_, (now_us() - first_us_) * at_.lines_per_second / 1'000'000);
      for (; sent < due; ++sent) send(first_us_ + sent * 1'000'000 / at_.lines_per_second, sent);
      rd_kafka_poll(client_.get(), 0);
      std::this_thread::sleep_for(milliseconds{1});
    }
    check(rd_kafka_flush(client_.get(), 10'000), "cannot send");
  }

private:
  void send(std::int64_t due_us, std::int64_t number) {
    auto line = lines_.next();
    line.latency_us = due_us;
    wanted_ += is_wanted(line) ? 1 : 0;
    encoded_.clear();
    codec<log_line>::encode(line, encoded_);
    // A batch of one partition after the other: with a turn for each line, batches would be smaller
    // for no reason.
    const auto partition = static_cast<std::int32_t>(number / 50 % partitions_);
    while (rd_kafka_produce(topic_.get(), partition, RD_KAFKA_MSG_F_COPY,
                            const_cast<char*>(encoded_.view().data()), encoded_.size(), nullptr, 0,
                            nullptr) != 0)
      rd_kafka_poll(client_.get(), 1);
    late_us_ = std::max(late_us_, now_us() - due_us);
  }

  owned<rd_kafka_t> client_;
  owned<rd_kafka_topic_t> topic_;
  std::int32_t partitions_;
  pace at_;
  std::int64_t total_;
  log_lines lines_;
  cloudflow::byte_writer encoded_;
  std::int64_t first_us_ = 0, wanted_ = 0, late_us_ = 0;
};

/// Reads what comes new into a topic.
class receiver {
public:
  receiver(const std::string& brokers, const std::string& topic)
    : client_(open_client(RD_KAFKA_CONSUMER, brokers,
                          {{"group.id", "kafka-latency"},
                           {"fetch.wait.max.ms", "10"},
                           {"fetch.queue.backoff.ms", "1"}})),
      queue_(rd_kafka_queue_get_consumer(client_.get())) {
    const auto partitions = partitions_of(client_.get(), topic);
    const owned<rd_kafka_topic_partition_list_t> all{rd_kafka_topic_partition_list_new(partitions)};
    for (std::int32_t p = 0; p != partitions; ++p) {
      std::int64_t first = 0, end = 0;
      check(rd_kafka_query_watermark_offsets(client_.get(), topic.c_str(), p, &first, &end, 10'000),
            topic);
      rd_kafka_topic_partition_list_add(all.get(), topic.c_str(), p)->offset = end;
    }
    check(rd_kafka_assign(client_.get(), all.get()), "cannot read");
  }
  receiver(const receiver&) = delete;
  receiver& operator=(const receiver&) = delete;
  ~receiver() { rd_kafka_consumer_close(client_.get()); }

  /// Of all lines that were due at `from_us` or later, how long they took.
  template <class Done>
  std::vector<std::int64_t> read(std::int64_t from_us, Done is_done) {
    std::vector<std::int64_t> took;
    message_batch batch{10'000};
    for (std::int64_t received = 0; !is_done(received);) {
      batch.fill(client_.get(), queue_.get(), 10);
      const auto now = now_us();
      for (const auto* m : batch) {
        check(m->err, "cannot read");
        const auto due = due_us(value_of(*m));
        if (due < 0) continue;
        ++received;
        if (due >= from_us) took.push_back(now - due);
      }
    }
    return took;
  }

private:
  /// Of a line that was made a log_out or is one still; -1: it would have been dropped.
  static std::int64_t due_us(std::string_view record) {
    if (log_out::view made; codec<log_out>::decode(record, made))
      return std::llround(made.latency_ms * 1000.0);
    log_line::view line;
    if (!codec<log_line>::decode(record, line)) fail("what came out is no line");
    return is_wanted(line) ? line.latency_us : -1;
  }

  owned<rd_kafka_t> client_;
  owned<rd_kafka_queue_t> queue_;
};

latencies summary(std::vector<std::int64_t> took) {
  std::sort(took.begin(), took.end());
  if (took.empty()) return {};
  const auto at = [&](double part) {
    return took[static_cast<std::size_t>(part * static_cast<double>(took.size() - 1))];
  };
  return {static_cast<std::int64_t>(took.size()), at(0.5), at(0.99), at(0.999), took.back()};
}

}  // namespace

latencies measure_latency(const std::string& brokers, const std::string& in, const pace& at) {
  receiver from{brokers, at.out};
  sender to{brokers, in, at};
  const auto began = now_us();
  std::atomic<bool> all_sent{false};
  std::thread sending{[&] {
    to.run();
    all_sent = true;
  }};
  std::int64_t last_change = began, last_received = 0;
  auto took = from.read(began + microseconds{warm_up}.count(), [&](std::int64_t received) {
    if (received != last_received) last_change = now_us();
    last_received = received;
    if (!all_sent) return false;
    return received >= to.wanted() || now_us() - last_change > microseconds{seconds{10}}.count();
  });
  sending.join();
  if (last_received != to.wanted())
    fail(fmt::format("{} lines came back of {}", last_received, to.wanted()));
  auto found = summary(std::move(took));
  found.late_us = to.late_us();
  return found;
}

std::string to_string(const latencies& l) {
  return fmt::format(
      R"({{"records": {}, "p50_us": {}, "p99_us": {}, "p999_us": {}, "max_us": {}, "sender_late_us": {}}})",
      l.records, l.p50_us, l.p99_us, l.p999_us, l.max_us, l.late_us);
}

}  // namespace bench
