#include "cloudflow/pubsub/kafka/internal/start_finder.hpp"

#include "cloudflow/base/named_thread.hpp"
#include "cloudflow/pubsub/kafka/internal/pause.hpp"

#include <fmt/format.h>

#include <utility>

namespace cloudflow::pubsub::kafka {
namespace {

/// One question to brokers, so that a stop is noticed; and the pause before it is asked again.
constexpr int patience_ms = 1000;
constexpr std::chrono::milliseconds between_tries{100};

}  // namespace

start_finder::start_finder(std::shared_ptr<shared_client> at, questions asked,
                           std::vector<topic_partition> sources)
  : client_(std::move(at)),
    asked_(std::move(asked)),
    wanted_(sources.begin(), sources.end()),
    thread_(named_thread("kafka starts", [this](const std::stop_token& stop) { search(stop); })) {}

start_finder::~start_finder() = default;

void start_finder::forget(const topic_partition& source) {
  const std::lock_guard lock{mutex_};
  wanted_.erase(source);
  std::erase_if(found_, [&](const found_start& one) { return one.source == source; });
}

bool start_finder::has_looked() const {
  const std::lock_guard lock{mutex_};
  return has_looked_;
}

std::vector<found_start> start_finder::begin_moving() {
  const std::lock_guard lock{mutex_};
  is_moving_ = true;
  return found_;
}

std::vector<found_start> start_finder::take_found() {
  const std::lock_guard lock{mutex_};
  if (!is_moving_) return {};
  return std::exchange(found_, {});
}

std::optional<pubsub::error> start_finder::take_problem() {
  const std::lock_guard lock{mutex_};
  return std::exchange(problem_, std::nullopt);
}

bool start_finder::is_done() const {
  const std::lock_guard lock{mutex_};
  return wanted_.empty() && found_.empty();
}

std::vector<topic_partition> start_finder::wanted() const {
  const std::lock_guard lock{mutex_};
  return {wanted_.begin(), wanted_.end()};
}

// -- the search -----------------------------------------------------------------------------------

void start_finder::search(const std::stop_token& stop) {
  // All at once; then one by one, so that an open transaction on one position does not hold up the
  // others.
  for (bool is_first = true; !stop.stop_requested(); is_first = false) {
    const auto left = wanted();
    if (left.empty()) return;
    if (is_first) {
      find(left, stop);
      looked();
    } else {
      for (const auto& source : left)
        if (!stop.stop_requested()) find({source}, stop);
      if (!pause(stop, between_tries)) return;
    }
  }
}

void start_finder::find(const std::vector<topic_partition>& sources, const std::stop_token& stop) {
  // Before the group is asked: what is found is never taken for a position of a newer topic.
  if (!has_begun_)
    if (auto begun = asked_.kept.begin(asked_.group, sources); !begun)
      return trouble(std::move(begun).error());
  has_begun_ = true;
  const auto list = list_of(sources);
  if (const auto code = rd_kafka_committed(client_->get(), list.get(), patience_ms);
      code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return trouble(client_->handle->fail(
        fmt::format("cannot find where group \"{}\" goes on", asked_.group), code));
  for (int i = 0; i != list->cnt && !stop.stop_requested(); ++i) {
    const auto& one = list->elems[i];
    const topic_partition source{one.topic, partition_id{one.partition}};
    if (one.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      trouble(client_->handle->fail(fmt::format("cannot find where group \"{}\" goes on with {}",
                                                asked_.group, to_string(source)),
                                    one.err));
      continue;
    }
    const auto known = one.offset < 0 ? std::nullopt : std::optional{record_offset{one.offset}};
    if (auto done = start(source, known, stop); !done) trouble(std::move(done).error());
  }
}

result<void> start_finder::start(const topic_partition& source, std::optional<record_offset> known,
                                 const std::stop_token& stop) {
  const auto found = CLOUDFLOW_TRY(compare(source, known, stop));
  if (tell(found, !found.problem)) return {};
  CLOUDFLOW_TRY(move_fetching(*client_, source, found.next, patience_ms));
  tell(found, false);
  return {};
}

/// With what there is in the log.
result<found_start> start_finder::compare(const topic_partition& source,
                                          std::optional<record_offset> known,
                                          const std::stop_token& stop) const {
  std::int64_t first = 0, end = 0;
  const auto doing = [&] { return fmt::format("cannot find where {} begins", to_string(source)); };
  if (const auto code =
          rd_kafka_query_watermark_offsets(client_->get(), source.topic.c_str(),
                                           source.partition.value(), &first, &end, patience_ms);
      code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return client_->handle->fail(doing(), code);
  found_start found{source, {}, {}, record_offset{end}};
  if (!known) {
    auto kept = CLOUDFLOW_TRY(asked_.kept.last_known(asked_.group, source, stop));
    if (kept) {
      known = kept->next;
      found.problem = std::move(kept->problem);
    }
  }
  const auto is_earliest = asked_.start_at == consumer_options::start::earliest;
  found.next = known.value_or(record_offset{is_earliest ? first : end});
  if (!found.problem && (found.next.value() < first || found.next.value() > end))
    found.problem = out_of_range(source, found.next, first, end);
  return found;
}

void start_finder::looked() {
  {
    const std::lock_guard lock{mutex_};
    has_looked_ = true;
  }
  asked_.on_found();
}

/// False: it has to be moved, and nobody else does that any more.
bool start_finder::tell(const found_start& found, bool is_to_be_moved) {
  {
    const std::lock_guard lock{mutex_};
    if (is_to_be_moved && is_moving_) return false;
    if (wanted_.erase(found.source) == 0) return true;  // forgotten meanwhile
    found_.push_back(found);
  }
  asked_.on_found();
  return true;
}

/// What passes, or comes of a member that is not of the group's last generation yet, is asked
/// again.
void start_finder::trouble(pubsub::error what) {
  if (what.is_retriable() || what.code == errc::rebalanced) return;
  {
    const std::lock_guard lock{mutex_};
    problem_ = std::move(what);
  }
  asked_.on_found();
}

// -- fetching -------------------------------------------------------------------------------------

pubsub::error out_of_range(const topic_partition& source, record_offset at, std::int64_t first,
                           std::int64_t end) {
  return {errc::offset_out_of_range,
          fmt::format("{}: offset {} is not in the log, which holds {} to {}; `offsets set` moves "
                      "the streamlet to one that is.",
                      to_string(source), at.value(), first, end)};
}

result<void> move_fetching(const shared_client& at, const topic_partition& source,
                           record_offset next, int at_most_ms) {
  const auto list = list_of({source});
  list->elems[0].offset = next.value();
  const auto doing = [&] {
    return fmt::format("cannot go to offset {} of {}", next.value(), to_string(source));
  };
  if (error_handle problem{rd_kafka_seek_partitions(at.get(), list.get(), at_most_ms)})
    return at.handle->fail(doing(), std::move(problem));
  if (const auto code = list->elems[0].err; code != RD_KAFKA_RESP_ERR_NO_ERROR) {
    auto refused = at.handle->fail(doing(), code);
    // While librdkafka still starts or stops the fetching of it.
    if (code == RD_KAFKA_RESP_ERR__STATE) refused.code = errc::unavailable;
    return refused;
  }
  rd_kafka_resume_partitions(at.get(), list.get());
  return {};
}

}  // namespace cloudflow::pubsub::kafka
