#include "cloudflow/pubsub/kafka/internal/reader.hpp"

#include "cloudflow/pubsub/kafka/internal/answer_deadline.hpp"
#include "cloudflow/pubsub/kafka/internal/partition_reader.hpp"
#include "cloudflow/pubsub/kafka/internal/start_finder.hpp"

#include <fmt/format.h>

#include <condition_variable>
#include <utility>

namespace cloudflow::pubsub::kafka {

namespace {

constexpr std::chrono::milliseconds fetch_patience{15'000};
constexpr int connect_patience_ms = 1000;

const client_spec handle_of_reads = {.role = client_role::consumer,
                                     .name = "reads",
                                     .required = {{"isolation.level", "read_committed"},
                                                  {"enable.partition.eof", "true"},
                                                  {"auto.offset.reset", "error"},
                                                  // What is not there yet is not waited for.
                                                  {"fetch.wait.max.ms", "10"},
                                                  {"fetch.min.bytes", "1"},
                                                  {"fetch.queue.backoff.ms", "1"},
                                                  {"queued.max.messages.kbytes", "4096"}},
                                     .is_internal = true};

/// Lets one thread wait for librdkafka's.
class signal {
public:
  void raise() {
    const std::lock_guard lock{mutex_};
    is_raised_ = true;
    raised_.notify_one();
  }
  void wait(std::chrono::milliseconds patience) {
    std::unique_lock lock{mutex_};
    raised_.wait_for(lock, patience, [this] { return is_raised_; });
    is_raised_ = false;
  }

private:
  std::mutex mutex_;
  std::condition_variable raised_;
  bool is_raised_ = false;
};

/// To fetch, librdkafka (2.14) connects when it next happens to look whether it has to: within a
/// second. To ask, at once.
void connect_to_leader(const shared_client& client, const topic_partition& source) {
  client.handle->connect();
  std::int64_t first = 0, end = 0;
  rd_kafka_query_watermark_offsets(client.get(), source.topic.c_str(), source.partition.value(),
                                   &first, &end, connect_patience_ms);
}

/// Fetches one partition while it lives.
class fetching {
public:
  fetching(rd_kafka_t* rk, const topic_partition& source, record_offset from)
    : topic_(rd_kafka_topic_new(rk, source.topic.c_str(), nullptr)),
      partition_(source.partition.value()) {
    is_started_ = rd_kafka_consume_start(topic_.get(), partition_, from.value()) == 0;
    if (!is_started_) problem_ = rd_kafka_last_error();
  }
  fetching(const fetching&) = delete;
  fetching& operator=(const fetching&) = delete;
  ~fetching() {
    if (is_started_) rd_kafka_consume_stop(topic_.get(), partition_);
  }
  rd_kafka_resp_err_t problem() const noexcept { return problem_; }

private:
  const topic_handle topic_;
  const std::int32_t partition_;
  bool is_started_ = false;
  rd_kafka_resp_err_t problem_ = RD_KAFKA_RESP_ERR_NO_ERROR;
};

}  // namespace

result<record_batch> reader::read(const topic_partition& source, record_offset from,
                                  fetch_limits limits) const {
  const auto range = CLOUDFLOW_TRY(requests_.range(source));
  if (from < range.first || range.end < from)
    return out_of_range(source, from, range.first.value(), range.end.value());
  if (from == range.end) return record_batch{};
  auto client = CLOUDFLOW_TRY(borrow(source));
  auto batch = fetch(client, source, {from, range.end}, limits);
  give_back(std::move(client));
  return batch;
}

result<record_batch> reader::fetch(const std::shared_ptr<shared_client>& with,
                                   const topic_partition& source, partition_range range,
                                   fetch_limits limits) const {
  const answer_deadline until{*session_, fetch_patience};
  signal ready;
  const std::function<void()> on_ready = [&] { ready.raise(); };
  partition_reader records{with, source, on_ready};
  records.start(range.first);
  const fetching started{with->get(), source, range.first};
  const auto doing = fmt::format("cannot read {}", to_string(source));
  if (started.problem() != RD_KAFKA_RESP_ERR_NO_ERROR)
    return with->handle->fail(doing, started.problem());
  while (true) {
    auto batch = records.fetch(limits);
    if (!batch || !batch->empty()) return batch;
    if (records.next() >= range.end) break;  // nothing but marks of transactions
    if (until.is_over()) return with->handle->fail(doing, RD_KAFKA_RESP_ERR__TIMED_OUT);
    ready.wait(until.step());
    rd_kafka_poll(with->get(), 0);
  }
  return record_batch{{}, {}, records.next()};
}

result<std::shared_ptr<shared_client>> reader::borrow(const topic_partition& source) const {
  {
    const std::lock_guard lock{mutex_};
    if (idle_ && !idle_->handle->is_outdated()) return std::exchange(idle_, nullptr);
  }
  auto opened = open_shared(session_, handle_of_reads);
  if (opened) connect_to_leader(**opened, source);
  return opened;
}

void reader::give_back(std::shared_ptr<shared_client> used) const {
  const std::lock_guard lock{mutex_};
  std::swap(idle_, used);
}

}  // namespace cloudflow::pubsub::kafka
