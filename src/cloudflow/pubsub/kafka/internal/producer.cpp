#include "cloudflow/pubsub/kafka/internal/producer.hpp"

#include "cloudflow/base/named_thread.hpp"
#include "cloudflow/pubsub/kafka/internal/pause.hpp"

#include <fmt/format.h>

#include <utility>

namespace cloudflow::pubsub::kafka {
namespace {

using std::chrono::milliseconds;

constexpr int init_tries = 10;
constexpr milliseconds init_patience{1000};
constexpr milliseconds abort_patience_at_end{2000};
/// What has not answered so long after its time limit never will.
constexpr milliseconds overtime{3000};
/// A commit that takes longer is worth a word.
constexpr std::chrono::seconds usual{5};

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

/// What a person can do about a producer that was fenced.
result<void> with_advice(result<void> ended, const producer_options& of) {
  if (ended || ended.error().code != errc::fenced || of.delivery != guarantee::exactly_once)
    return ended;
  auto why = std::move(ended).error();
  why.message += fmt::format(
      "; if another process uses the producer id \"{}\": give each process an --ordinal of its own",
      of.transactional_id);
  return why;
}

}  // namespace

struct group_producer::plan {
  const transaction* changes = nullptr;
  std::vector<changelog_part> state;
  std::vector<group_positions> positions;
};

result<std::unique_ptr<producer>> group_producer::open(const dependencies& around,
                                                       const producer_options& wanted) {
  std::unique_ptr<group_producer> made{new group_producer{around, wanted}};
  CLOUDFLOW_TRY(with_advice(made->start(), wanted));
  return std::unique_ptr<producer>{std::move(made)};
}

group_producer::group_producer(const dependencies& around, const producer_options& wanted)
  : dependencies_(around), wanted_(wanted) {}

result<void> group_producer::start() {
  is_started_ = must_abort_ = false;
  sender_ = CLOUDFLOW_TRY(sender::open(dependencies_.session, spec_of(wanted_), stop_.get_token()));
  calls_ = std::make_unique<call_thread>("kafka calls", dependencies_.session->limits());
  sender_->through().connect();
  result<void> ready;
  for (int i = 0; i != init_tries && is_transactional(); ++i) {
    ready =
        done("cannot get ready for transactions", ask(init_patience, rd_kafka_init_transactions));
    if (ready || !ready.error().is_retriable() || ready.error().is_fatal()) break;
    if (stop_.stop_requested() || dependencies_.session->must_stop()) break;
  }
  is_started_ = ready.has_value();
  return ready;
}

group_producer::~group_producer() {
  stop_.request_stop();
  thread_ = {};
  if (must_abort_) ask(abort_patience_at_end, rd_kafka_abort_transaction);
}

// -- calls that may not return --------------------------------------------------------------------

/// `request` gets the client and the time limit in milliseconds, and owns all that it touches
/// besides. None: it has been abandoned.
template <class Request>
std::optional<error_handle> group_producer::ask(milliseconds limit, Request request) {
  auto answer = calls_->run(
      [with = sender_, limit, request = std::move(request)] {
        return error_handle{request(with->get(), static_cast<int>(limit.count()))};
      },
      limit + overtime, stop_.get_token());
  if (!answer) sender_->through().hang();
  return answer;
}

/// Retriable: by another producer. The transaction is not committed, unless that was asked for.
pubsub::error group_producer::give_up(std::string_view doing) const {
  const auto& limits = *dependencies_.session->limits();
  auto message =
      fmt::format("{}: producer \"{}\" {}: librdkafka does not answer; the producer is given up",
                  dependencies_.session->where(), wanted_.transactional_id, doing);
  if (!limits.are_too_many_abandoned()) return {errc::session_lost, std::move(message)};
  message += fmt::format(", and so are {} others: this process has to be started again",
                         limits.abandoned() - 1);
  return {errc::must_restart, std::move(message)};
}

// -- a commit -------------------------------------------------------------------------------------

result<void> group_producer::commit(const transaction& changes) {
  if (changes.empty()) return {};
  {
    const std::lock_guard lock{trouble_mutex_};
    began_ = dependencies_.session->time().monotonic();
  }
  auto ended = with_advice(try_to_commit(changes), wanted_);
  note(ended);
  return ended;
}

void group_producer::note(const result<void>& ended) {
  const std::lock_guard lock{trouble_mutex_};
  began_.reset();
  if (ended)
    trouble_.clear();
  else if (trouble_.empty() && ended.error().code != errc::rebalanced)
    trouble_ = ended.error().message;
}

std::string group_producer::trouble() const {
  const std::lock_guard lock{trouble_mutex_};
  if (!trouble_.empty() || !began_) return trouble_;
  const auto since = dependencies_.session->time().monotonic() - *began_;
  if (since < usual) return {};
  const auto told = dependencies_.session->heard().told();
  return fmt::format("{}: producer \"{}\" has waited {} s for the brokers{}{}",
                     dependencies_.session->where(), wanted_.transactional_id,
                     std::chrono::duration_cast<std::chrono::seconds>(since).count(),
                     told ? ": " : "", told ? told->message : "");
}

result<void> group_producer::try_to_commit(const transaction& changes) {
  if (!is_started_ || sender_->through().is_outdated()) CLOUDFLOW_TRY(start());
  if (must_abort_) CLOUDFLOW_TRY(abort());
  auto prepared = prepare(changes);
  if (!prepared) {
    dependencies_.topics.forget_all();  // a limit may be raised, a topic made
    return std::move(prepared).error();
  }
  sender_->begin();
  if (auto delivered = deliver(*prepared); !delivered) {
    dependencies_.topics.forget_all();
    return delivered;
  }
  dependencies_.state.apply(prepared->state);
  return {};
}

/// Whatever can be refused before anything is sent.
result<group_producer::plan> group_producer::prepare(const transaction& changes) {
  plan prepared{.changes = &changes, .state = {}, .positions = {}};
  CLOUDFLOW_TRY(check(changes.outputs, dependencies_.topics, sender_->bound()));
  prepared.positions = CLOUDFLOW_TRY(
      plan_positions(changes.positions, dependencies_.members, dependencies_.cluster));
  prepared.state = CLOUDFLOW_TRY(dependencies_.state.encode(changes));
  return prepared;
}

result<void> group_producer::deliver(plan& changes) {
  if (changes.changes->outputs.empty() && changes.state.empty() && changes.positions.empty())
    return {};
  if (is_transactional())
    if (auto begun = done("cannot begin a transaction",
                          ask({}, [](auto* rk, int) { return rd_kafka_begin_transaction(rk); }));
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
    const auto to = dependencies_.topics.find(out.topic, out.partition);
    return to ? to->max_message_bytes : 0;
  };
  for (const auto& out : changes.changes->outputs) sender_->add(out, limit(out));
  // What state says has happened, has: a window that has fired does not fire again.
  if (!is_transactional() && !changes.state.empty()) CLOUDFLOW_TRY(sender_->send());
  std::vector<std::size_t> tracked;
  for (auto& part : changes.state) {
    const output out{part.topic, part.task.partition, part.records.get()};
    tracked.push_back(sender_->add_tracked(out, limit(out)));
  }
  CLOUDFLOW_TRY(sender_->send());
  for (std::size_t i = 0; i != tracked.size(); ++i)
    changes.state[i].last_offset = sender_->last_offset(tracked[i]);
  return {};
}

result<void> group_producer::send_positions(plan& changes) {
  for (auto& each : changes.positions) {
    auto sent = is_transactional()
                    ? send_in_transaction(each)
                    : commit_positions(each, dependencies_.cluster, stop_.get_token());
    if (each.member)
      each.member->note_commit(!sent && sent.error().code == errc::rebalanced,
                               dependencies_.session->time().monotonic());
    if (!sent) return sent;
  }
  return {};
}

result<void> group_producer::send_in_transaction(group_positions& what) {
  auto answer = ask(
      sender_->transaction_timeout(),
      [offsets = std::move(what.offsets), by = std::move(what.metadata)](auto* rk, int limit_ms) {
        return rd_kafka_send_offsets_to_transaction(rk, offsets.get(), by.get(), limit_ms);
      });
  return done(fmt::format("cannot commit for group \"{}\"", what.group), std::move(answer));
}

/// Nobody but the log knows then how the transaction has ended, whatever librdkafka says of it.
/// When a request that may have been done is repeated behind a lost connection, and the broker
/// refuses the new connection (its password has changed), that is told as an error after which one
/// could abort. So there is no way back, and no second call: librdkafka mixes up the answers when a
/// commit that has timed out is called again under load.
result<void> group_producer::finish() {
  auto ended = done("does not know whether it has committed",
                    ask(sender_->transaction_timeout(), rd_kafka_commit_transaction));
  if (ended) return ended;
  auto why = std::move(ended).error();
  if (why.code != errc::must_restart) why.code = errc::outcome_unknown;
  return why;
}

// -- when it fails --------------------------------------------------------------------------------

/// Nothing of it becomes visible. The caller may try again what has failed for a reason that
/// passes; what this says begins with the first cause.
pubsub::error group_producer::abort_after(pubsub::error why) {
  if (!is_transactional()) {
    sender_->drop();
    return why;
  }
  if (why.is_fatal()) return why;
  must_abort_ = true;
  auto aborted = abort();
  if (aborted || !aborted.error().is_fatal()) return why;
  auto end = std::move(aborted).error();
  end.message = fmt::format("{}; and then: {}", why.message, end.message);
  return end;
}

result<void> group_producer::abort() {
  const auto patience =
      stop_.stop_requested() ? abort_patience_at_end : sender_->transaction_timeout();
  auto aborted = done("cannot abort", ask(patience, rd_kafka_abort_transaction));
  must_abort_ = !aborted && !aborted.error().is_fatal();
  return aborted;
}

result<void> group_producer::done(std::string_view doing,
                                  std::optional<error_handle> answer) const {
  if (!answer) return give_up(doing);
  if (!*answer) return {};
  return fail(doing, failure_of(answer->get()));
}

pubsub::error group_producer::fail(std::string_view doing, const failure& what) const {
  return sender_->through().fail(fmt::format("producer \"{}\" {}", wanted_.transactional_id, doing),
                                 what);
}

// -- commits on a thread --------------------------------------------------------------------------

void group_producer::begin(const transaction& changes) {
  {
    const std::lock_guard lock{mutex_};
    begun_ = &changes;
  }
  if (!thread_.joinable()) {
    thread_ = named_thread("kafka commits", [this](const std::stop_token& stop) { work(stop); });
  }
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
