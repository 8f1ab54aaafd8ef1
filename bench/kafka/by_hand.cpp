// The limit: the same jobs by hand on librdkafka, at least once, with the settings that were found
// to be the fastest.
//
//   kafka-by-hand raw BROKERS IN OUT GROUP          bytes through
//   kafka-by-hand transform BROKERS IN OUT GROUP    decode, drop DEBUG, give latencies in
//   milliseconds, encode kafka-by-hand count BROKERS IN - GROUP          count per application,
//   level and minute, in memory
//
// All run until SIGTERM. `count` prints how far it is, and what it has counted when IN has been
// read.
#include "kafka_client.hpp"
#include "log_lines.hpp"

#include "cloudflow/base/bytes.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <deque>
#include <map>
#include <thread>
#include <unordered_map>

namespace bench {
namespace {

using cloudflow::codec;

constexpr std::size_t batch_records = 10'000;
constexpr std::chrono::milliseconds commit_interval{100};

volatile std::sig_atomic_t must_stop = 0;

settings consumer_settings(const std::string& group) {
  return {
      {"group.id", group},
      {"auto.offset.reset", "earliest"},
      {"enable.auto.commit", "false"},
      {"enable.partition.eof", "true"},
      {"max.partition.fetch.bytes", "4194304"},
      // With less, or with the default pause of a second when the queue is full, fetching has gaps.
      {"queued.min.messages", "1000000"},
      {"queued.max.messages.kbytes", "1048576"},
      {"fetch.queue.backoff.ms", "5"}};
}

settings producer_settings() {
  return {{"acks", "all"},
          {"linger.ms", "5"},
          {"batch.size", "1000000"},
          {"batch.num.messages", "100000"},
          {"queue.buffering.max.messages", "1000000"},
          {"queue.buffering.max.kbytes", "1048576"}};
}

/// A member of a group, which reads one topic.
class reader {
public:
  reader(const std::string& brokers, const std::string& group, const std::string& topic)
    : client_(open_client(RD_KAFKA_CONSUMER, brokers, consumer_settings(group))),
      queue_(rd_kafka_queue_get_consumer(client_.get())),
      topic_(topic) {
    const owned<rd_kafka_topic_partition_list_t> topics{rd_kafka_topic_partition_list_new(1)};
    rd_kafka_topic_partition_list_add(topics.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
    check(rd_kafka_subscribe(client_.get(), topics.get()), "cannot subscribe");
  }
  reader(const reader&) = delete;
  reader& operator=(const reader&) = delete;
  ~reader() { rd_kafka_consumer_close(client_.get()); }

  rd_kafka_t* get() const noexcept { return client_.get(); }
  void fill(message_batch& batch) { batch.fill(client_.get(), queue_.get(), 20); }
  void commit(const std::map<std::int32_t, std::int64_t>& next) {
    const owned<rd_kafka_topic_partition_list_t> offsets{
        rd_kafka_topic_partition_list_new(static_cast<int>(next.size()))};
    for (const auto& [partition, offset] : next)
      rd_kafka_topic_partition_list_add(offsets.get(), topic_.c_str(), partition)->offset = offset;
    check(rd_kafka_commit(client_.get(), offsets.get(), 1), "cannot commit");
  }

private:
  owned<rd_kafka_t> client_;
  owned<rd_kafka_queue_t> queue_;
  std::string topic_;
};

// -- raw and transform ----------------------------------------------------------------------------

/// Records that were read together. Their positions are committed when all that was made of them
/// has arrived, and all that was read before them.
struct in_flight {
  std::map<std::int32_t, std::int64_t> next;
  std::int64_t unacknowledged = 0;
};

void delivered(rd_kafka_t*, const rd_kafka_message_t* m, void*) {
  if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR) fail(rd_kafka_err2str(m->err));
  --static_cast<in_flight*>(m->_private)->unacknowledged;
}

class forwarder {
public:
  forwarder(const std::string& brokers, const std::string& in, const std::string& out,
            const std::string& group, bool transforms)
    : from_(brokers, group, in),
      to_(open_client(RD_KAFKA_PRODUCER, brokers, producer_settings(), delivered)),
      topic_(rd_kafka_topic_new(to_.get(), out.c_str(), nullptr)),
      transforms_(transforms) {}

  void run() {
    message_batch batch{batch_records};
    while (must_stop == 0) {
      from_.fill(batch);
      rd_kafka_poll(to_.get(), 0);
      if (!batch.empty()) forward(batch);
      commit();
    }
    rd_kafka_flush(to_.get(), 10'000);
    commit();
  }

private:
  void forward(const message_batch& batch) {
    auto& made = waiting_.emplace_back();
    messages_.clear();
    encoded_.clear();
    for (const auto* m : batch) {
      if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) continue;
      check(m->err, "cannot read");
      made.next[m->partition] = m->offset + 1;
      rd_kafka_message_t to{};
      to.partition = m->partition;
      to._private = &made;
      if (!(transforms_ ? transform(*m, to) : keep(*m, to))) continue;
      messages_.push_back(to);
    }
    // Only now does what was encoded stay where it is.
    if (transforms_)
      for (std::size_t at = 0; auto& to : messages_) {
        to.payload = const_cast<char*>(encoded_.view().data() + at);
        at += to.len;
      }
    made.unacknowledged = static_cast<std::int64_t>(messages_.size());
    send();
  }
  static bool keep(const rd_kafka_message_t& m, rd_kafka_message_t& to) {
    to.payload = m.payload;
    to.len = m.len;
    return true;
  }
  bool transform(const rd_kafka_message_t& m, rd_kafka_message_t& to) {
    log_line::view line;
    if (!codec<log_line>::decode(value_of(m), line)) fail("a record is no log line");
    if (!is_wanted(line)) return false;
    const auto before = encoded_.size();
    codec<log_out>::encode(transformed(line), encoded_);
    to.len = encoded_.size() - before;
    return true;
  }
  /// The queue may be full: what it has refused is offered again.
  void send() {
    for (auto* first = messages_.data(); !messages_.empty();) {
      rd_kafka_produce_batch(topic_.get(), 0, RD_KAFKA_MSG_F_COPY | RD_KAFKA_MSG_F_PARTITION, first,
                             static_cast<int>(messages_.size()));
      std::erase_if(messages_, [](const auto& m) { return m.err == RD_KAFKA_RESP_ERR_NO_ERROR; });
      for (auto& m : messages_) m.err = RD_KAFKA_RESP_ERR_NO_ERROR;
      if (!messages_.empty()) rd_kafka_poll(to_.get(), 5);
    }
  }
  void commit() {
    for (; !waiting_.empty() && waiting_.front().unacknowledged == 0; waiting_.pop_front())
      for (const auto& [partition, offset] : waiting_.front().next) done_[partition] = offset;
    const auto now = std::chrono::steady_clock::now();
    if (done_.empty() || now - last_commit_ < commit_interval) return;
    from_.commit(done_);
    done_.clear();
    last_commit_ = now;
  }

  reader from_;
  owned<rd_kafka_t> to_;
  owned<rd_kafka_topic_t> topic_;
  bool transforms_;
  std::deque<in_flight> waiting_;
  std::vector<rd_kafka_message_t> messages_;
  cloudflow::byte_writer encoded_;
  std::map<std::int32_t, std::int64_t> done_;
  std::chrono::steady_clock::time_point last_commit_{};
};

// -- count ----------------------------------------------------------------------------------------

void count(const std::string& brokers, const std::string& in, const std::string& group) {
  reader from{brokers, group, in};
  const auto partitions = partitions_of(from.get(), in);
  message_batch batch{batch_records};
  std::unordered_map<std::string, std::unordered_map<std::int64_t, std::int64_t>> counted;
  std::string series;
  std::int64_t records = 0, printed = 0;
  for (std::int32_t ended = 0; must_stop == 0 && ended != partitions;) {
    from.fill(batch);
    for (const auto* m : batch) {
      if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        ++ended;
        continue;
      }
      check(m->err, "cannot read");
      log_line::view line;
      if (!codec<log_line>::decode(value_of(*m), line)) fail("a record is no log line");
      put_series(line, series);
      ++counted[series][line.ts - line.ts % window_ms];
      ++records;
    }
    if (records - printed < 20 * static_cast<std::int64_t>(batch_records)) continue;
    fmt::print("progress {}\n", printed = records);
    std::fflush(stdout);
  }
  line_counts sorted;
  for (const auto& [of, windows] : counted)
    for (const auto& [start, lines] : windows)
      if (!of.starts_with("end")) sorted[{of, start}] = lines;
  fmt::print("counted {}\nprogress {}\n", to_string(sorted), records);
  std::fflush(stdout);
  while (must_stop == 0) std::this_thread::sleep_for(std::chrono::milliseconds{10});
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  const std::string job = argc > 1 ? argv[1] : "";
  if (argc != 6 || (job != "raw" && job != "transform" && job != "count"))
    bench::fail("usage: kafka-by-hand raw|transform|count BROKERS IN OUT GROUP");
  for (const int number : {SIGINT, SIGTERM}) std::signal(number, [](int) { bench::must_stop = 1; });
  if (job == "count")
    bench::count(argv[2], argv[3], argv[5]);
  else
    bench::forwarder{argv[2], argv[3], argv[4], argv[5], job == "transform"}.run();
}
