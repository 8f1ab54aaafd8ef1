#include "cloudflow/pubsub/kafka/internal/producer.hpp"

#include "cloudflow/pubsub/kafka/internal/pause.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace cloudflow::pubsub::kafka {
namespace {

constexpr int init_tries = 30, init_patience_ms = 1000;
constexpr int abort_patience_ms = 10'000, abort_patience_at_end_ms = 2000;
/// In one call: librdkafka mixes up the answers when a commit that has timed out is called again under load.
constexpr int commit_patience_ms = 10'000;

client_spec spec_of(const producer_options& wanted) {
  client_spec spec;
  spec.role = client_role::producer;
  spec.name = "producer " + wanted.transactional_id;
  spec.properties = wanted.properties;
  spec.defaults = {
      // What waits to be sent is memory of the process.
      {"queue.buffering.max.kbytes", "32768"},
      {"queue.buffering.max.messages", "50000"},
      // The limits of the topics count, not the client's.
      {"message.max.bytes", "1000000000"},
  };
  spec.required = {{"enable.idempotence", "true"}, {"delivery.report.only.error", "false"}};
  if (wanted.delivery == guarantee::exactly_once) {
    spec.defaults["transaction.timeout.ms"] = "10000";
    spec.required["transactional.id"] = wanted.transactional_id;
  } else {
    spec.required["message.timeout.ms"] = "0";  // a broker that is away is waited for
  }
  return spec;
}

}  // namespace

struct group_producer::plan {
  const transaction* changes = nullptr;
  std::vector<changelog_part> state;
  std::vector<group_positions> positions;
};

result<std::unique_ptr<producer>> group_producer::open(const surroundings& around,
                                                       const producer_options& wanted) {
  std::unique_ptr<group_producer> made{new group_producer{around, wanted}};
  if (auto started = made->start(); !started) return std::move(started).error();
  return std::unique_ptr<producer>{std::move(made)};
}

group_producer::group_producer(const surroundings& around, const producer_options& wanted)
  : around_(around), wanted_(wanted) {}

result<void> group_producer::start() {
  is_started_ = must_abort_ = false;
  auto opened = sender::open(around_.session, spec_of(wanted_), stop_.get_token());
  if (!opened) return std::move(opened).error();
  sender_ = std::move(opened).value();
  sender_->through().connect();
  result<void> ready;
  for (int i = 0; i != init_tries && is_transactional(); ++i) {
    ready = done("cannot get ready for transactions",
                 rd_kafka_init_transactions(sender_->get(), init_patience_ms));
    if (ready || !ready.error().retriable || stop_.stop_requested()) break;
  }
  is_started_ = ready.has_value();
  return ready;
}

group_producer::~group_producer() {
  stop_.request_stop();
  thread_ = {};
  if (must_abort_)
    error_handle{rd_kafka_abort_transaction(sender_->get(), abort_patience_at_end_ms)};
}

// -- a commit ----------------------------------------------------------------------------------------

result<void> group_producer::commit(const transaction& changes) {
  if (changes.empty()) return {};
  if (!is_started_ || sender_->through().is_outdated())
    if (auto started = start(); !started) return started;
  if (must_abort_)
    if (auto aborted = abort(); !aborted) return aborted;
  auto prepared = prepare(changes);
  if (!prepared) {
    around_.topics.forget_all();  // a limit may be raised, a topic made
    return std::move(prepared).error();
  }
  sender_->begin();
  if (auto delivered = deliver(*prepared); !delivered) {
    around_.topics.forget_all();
    return delivered;
  }
  around_.state.apply(prepared->state);
  return {};
}

/// Whatever can be refused before anything is sent.
result<group_producer::plan> group_producer::prepare(const transaction& changes) {
  plan prepared{.changes = &changes, .state = {}, .positions = {}};
  if (auto ok = check(changes.outputs, around_.topics, sender_->bound()); !ok)
    return std::move(ok).error();
  auto positions = plan_positions(changes.positions, around_.members, around_.cluster);
  if (!positions) return std::move(positions).error();
  prepared.positions = std::move(positions).value();
  auto state = around_.state.encode(changes);
  if (!state) return std::move(state).error();
  prepared.state = std::move(state).value();
  return prepared;
}

result<void> group_producer::deliver(plan& changes) {
  if (changes.changes->outputs.empty() && changes.state.empty() && changes.positions.empty())
    return {};
  if (is_transactional())
    if (auto begun = done("cannot begin a transaction", rd_kafka_begin_transaction(sender_->get()));
        !begun)
      return begun;
  auto sent = send(changes);
  if (sent) sent = send_positions(changes);
  if (sent && is_transactional()) sent = finish();
  if (sent) return {};
  return abort_after(std::move(sent).error());
}

result<void> group_producer::send(plan& changes) {
  const auto limit = [&](const output& out) {
    const auto to = around_.topics.find(out.topic, out.partition);
    return to ? to->max_message_bytes : 0;
  };
  for (const auto& out : changes.changes->outputs) sender_->add(out, limit(out));
  // What state says has happened, has: a window that has fired does not fire again.
  if (!is_transactional() && !changes.state.empty())
    if (auto sent = sender_->send(); !sent) return sent;
  for (auto& part : changes.state) {
    const output out{part.topic, part.task.partition, part.records.get()};
    sender_->add(out, limit(out), &part.last_offset);
  }
  return sender_->send();
}

result<void> group_producer::send_positions(const plan& changes) {
  for (const auto& each : changes.positions) {
    auto sent = is_transactional()
                    ? done(fmt::format("cannot commit for group \"{}\"", each.group),
                           rd_kafka_send_offsets_to_transaction(sender_->get(), each.offsets.get(),
                                                                each.metadata.get(), -1))
                    : commit_positions(each, around_.cluster, stop_.get_token());
    if (!sent) return sent;
  }
  return {};
}

/// Until it is known how the transaction has ended: there is no way back.
result<void> group_producer::finish() {
  while (true) {
    const error_handle problem{rd_kafka_commit_transaction(sender_->get(), commit_patience_ms)};
    if (!problem) return {};
    const auto what = failure_of(problem.get());
    if (what.must_abort) return fail("cannot commit", what);
    if (what.is_retriable && !what.is_fatal && !stop_.stop_requested()) continue;
    auto why = fail("does not know whether it has committed", what);
    why.code = errc::outcome_unknown;
    why.fatal = true;
    why.retriable = false;
    return why;
  }
}

// -- when it fails -----------------------------------------------------------------------------------

/// Nothing of it becomes visible. The caller may try again what has failed for a reason that passes.
pubsub::error group_producer::abort_after(pubsub::error why) {
  if (!is_transactional()) {
    sender_->drop();
    return why;
  }
  if (why.fatal) return why;
  must_abort_ = true;
  if (auto aborted = abort(); !aborted && aborted.error().fatal) return std::move(aborted).error();
  return why;
}

result<void> group_producer::abort() {
  const auto patience = stop_.stop_requested() ? abort_patience_at_end_ms : abort_patience_ms;
  auto aborted = done("cannot abort", rd_kafka_abort_transaction(sender_->get(), patience));
  must_abort_ = !aborted && !aborted.error().fatal;
  return aborted;
}

/// Takes the error.
result<void> group_producer::done(std::string_view doing, rd_kafka_error_t* problem) const {
  if (problem == nullptr) return {};
  return fail(doing, failure_of(error_handle{problem}.get()));
}

pubsub::error group_producer::fail(std::string_view doing, const failure& what) const {
  return sender_->through().fail(fmt::format("producer \"{}\" {}", wanted_.transactional_id, doing),
                                 what);
}

// -- commits on a thread -----------------------------------------------------------------------------

void group_producer::begin(const transaction& changes) {
  {
    const std::lock_guard lock{mutex_};
    begun_ = &changes;
  }
  if (!thread_.joinable())
    thread_ = std::jthread{[this](const std::stop_token& stop) { work(stop); }};
  changed_.notify_one();
}

std::optional<result<void>> group_producer::outcome() {
  const std::lock_guard lock{mutex_};
  return std::exchange(outcome_, std::nullopt);
}

void group_producer::work(const std::stop_token& stop) {
  std::unique_lock lock{mutex_};
  while (changed_.wait(lock, stop, [this] { return begun_ != nullptr; })) {
    const auto& changes = *std::exchange(begun_, nullptr);
    lock.unlock();
    auto ended = commit(changes);
    lock.lock();
    outcome_ = std::move(ended);
    lock.unlock();
    if (wanted_.on_outcome) wanted_.on_outcome();
    lock.lock();
  }
}

}  // namespace cloudflow::pubsub::kafka
