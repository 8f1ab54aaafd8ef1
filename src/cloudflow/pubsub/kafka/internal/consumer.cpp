#include "cloudflow/pubsub/kafka/internal/consumer.hpp"

#include "cloudflow/pubsub/kafka/internal/deadline.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace cloudflow::pubsub::kafka {
namespace {

/// So long the other partitions stand still for the sake of those that come: one whose start is
/// known by then need not be paused and moved, which takes up to a second.
constexpr std::chrono::milliseconds patience_for_starts{300};
// Leaving a group is one request; brokers that are away must not hold up the end of a process.
constexpr std::chrono::milliseconds patience_for_leaving{5000};
constexpr int leave_step_ms = 100;

/// Before a client joins in place of one that has ended.
constexpr std::chrono::milliseconds first_pause{500}, longest_pause{10'000};
/// Who has taken its place would be replaced in its turn.
constexpr std::chrono::seconds pause_of_replaced{60};

topic_partition source_of(const rd_kafka_topic_partition_t& one) {
  return {one.topic, partition_id{one.partition}};
}

bool lacks_new_protocol(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION ||
         code == RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE;
}

/// By another one of the same group.instance.id, which would be replaced in its turn.
bool is_replaced(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID ||
         code == RD_KAFKA_RESP_ERR_UNRELEASED_INSTANCE_ID;
}

}  // namespace

// -- joining and leaving --------------------------------------------------------------------------

result<std::unique_ptr<consumer>> group_consumer::open(const std::shared_ptr<connection>& session,
                                                       const admin& cluster, groups& members,
                                                       const consumer_options& wanted,
                                                       kept_positions& kept) {
  std::int32_t partitions = 0;
  for (const auto& topic : wanted.topics) {
    auto facts = CLOUDFLOW_TRY(cluster.describe(topic));
    partitions += facts.partitions;
  }
  std::unique_ptr<group_consumer> made{
      new group_consumer{session, members, wanted, partitions, kept}};
  const auto asked = asked_for(wanted.properties, session->wanted().consumer);
  const auto protocol = members.has_new_protocol() ? asked : group_protocol::classic;
  CLOUDFLOW_TRY(made->join(protocol));
  return std::unique_ptr<consumer>{std::move(made)};
}

group_consumer::group_consumer(const std::shared_ptr<connection>& session, groups& members,
                               const consumer_options& wanted, std::int32_t partitions,
                               kept_positions& kept)
  : session_(session),
    members_(members),
    wanted_(wanted),
    partition_count_(partitions),
    doing_(fmt::format("cannot read for group \"{}\"", wanted.group)),
    kept_(kept) {}

result<void> group_consumer::join(group_protocol protocol) {
  protocol_ = protocol;
  is_leaving_ = was_assigned_ = has_died_ = false;
  was_member_at_ = session_->time().monotonic();
  client_ = CLOUDFLOW_TRY(open_shared(session_, spec_of(wanted_, protocol, partition_count_)));
  rd_kafka_poll_set_consumer(client_->get());
  queue_.reset(rd_kafka_queue_get_consumer(client_->get()));
  if (wanted_.on_ready) wake_by(*queue_, wanted_.on_ready);
  member_ = std::make_shared<group_member>(wanted_.group, client_);
  members_.add(member_);
  watch_.emplace(client_, wanted_.topics, session_->time().monotonic());

  const list_handle topics{
      rd_kafka_topic_partition_list_new(static_cast<int>(wanted_.topics.size()))};
  for (const auto& topic : wanted_.topics)
    rd_kafka_topic_partition_list_add(topics.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
  if (const auto code = rd_kafka_subscribe(client_->get(), topics.get());
      code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return client_->handle->fail(doing_, code);
  return {};
}

group_consumer::~group_consumer() {
  if (queue_) leave();
}

/// What the owner has not released is nobody's work any more.
void group_consumer::leave() {
  finders_.clear();
  watch_.reset();
  partitions_.clear();
  unreleased_.clear();
  member_.reset();
  rd_kafka_queue_cb_event_enable(queue_.get(), nullptr, nullptr);
  accept().ignore("the group does without");
  if (const auto list = std::exchange(revoked_, nullptr))
    unassign(*list).ignore("the group does without");
  if (!has_died_) leave_group();
  queue_.reset();
  client_.reset();
}

void group_consumer::leave_group() {
  const error_handle refused{rd_kafka_consumer_close_queue(client_->get(), queue_.get())};
  const auto patience = std::min(patience_for_leaving, session_->limits()->patience_at_end());
  const deadline until{session_->time(), patience};
  while (!refused && !until.has_passed() && rd_kafka_consumer_closed(client_->get()) == 0) {
    const event_handle event{rd_kafka_queue_poll(queue_.get(), leave_step_ms)};
    if (!event || rd_kafka_event_type(event.get()) != RD_KAFKA_EVENT_REBALANCE) continue;
    auto* list = rd_kafka_event_topic_partition_list(event.get());
    const auto is_gain = rd_kafka_event_error(event.get()) == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
    (is_gain ? assign(*list) : unassign(*list)).ignore("the group does without");
  }
  session_->limits()->note_waited_at_end(patience - until.left());
}

// -- rebalancing ----------------------------------------------------------------------------------

result<std::vector<assignment>> group_consumer::poll_assignments() {
  if (!queue_) CLOUDFLOW_TRY(join_when_due());
  if (!queue_) return std::exchange(changes_, {});
  while (const event_handle event{rd_kafka_queue_poll(queue_.get(), 0)})
    CLOUDFLOW_TRY(handle(*event));
  if (is_time_to_accept()) CLOUDFLOW_TRY(accept());
  report_starts();
  if (client_->handle->is_outdated()) leave_with(assignment::kind::revoked);
  CLOUDFLOW_TRY(is_leaving_ ? join_anew() : give_back());
  if (!queue_) return std::exchange(changes_, {});
  for (const auto& finder : finders_)
    if (auto problem = finder->take_problem()) return *std::move(problem);
  std::erase_if(finders_, [](const auto& finder) { return finder->is_done(); });
  look_whether_joined();
  look_whether_known();
  return std::exchange(changes_, {});
}

result<void> group_consumer::handle(rd_kafka_event_t& event) {
  const auto type = rd_kafka_event_type(&event);
  if (type == RD_KAFKA_EVENT_ERROR) return handle_error(event);
  if (type != RD_KAFKA_EVENT_REBALANCE) return {};
  auto* list = rd_kafka_event_topic_partition_list(&event);
  if (rd_kafka_event_error(&event) == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) return gain(*list);
  return revoke(*list);
}

result<void> group_consumer::handle_error(rd_kafka_event_t& event) {
  const auto what = failure_of(rd_kafka_event_error(&event), rd_kafka_event_error_string(&event));
  client_->handle->heard(&event);
  if (code_of(what.code) == errc::topic_not_found) watch_->suspect();
  if (rd_kafka_event_error_is_fatal(&event) != 0) return handle_fatal();
  // The rest passes; librdkafka goes on trying.
  if (code_of(what.code) != errc::denied) return {};
  auto why = client_->handle->fail(doing_, what);
  if (trouble_.empty()) trouble_ = why.message;
  return why;
}

/// The client is of no use any more; another one joins in its place.
result<void> group_consumer::handle_fatal() {
  const auto what = client_->handle->fatal_failure().value_or(
      failure{.code = RD_KAFKA_RESP_ERR__FATAL, .text = "fatal error", .is_fatal = true});
  if (protocol_ == group_protocol::consumer && lacks_new_protocol(what.code)) {
    members_.lack_new_protocol();
    protocol_ = group_protocol::classic;
    session_->log().info("{}: the brokers do not know group.protocol=consumer", session_->where());
    leave_with(assignment::kind::lost);
    return {};
  }
  // One that fails before it was assigned anything will be followed by others that do.
  const auto may_pass = was_assigned_ && code_of(what.code) != errc::denied;
  auto why = client_->handle->fail(doing_, what);
  begin_anew(why, is_replaced(what.code) ? std::chrono::nanoseconds{pause_of_replaced} : pause_);
  if (!may_pass) return why;
  session_->log().warn("{}; joining anew", why.message);
  return {};
}

void group_consumer::begin_anew(const pubsub::error& why, std::chrono::nanoseconds pause) {
  if (is_leaving_) return;
  has_died_ = true;
  note_end(why, pause);
  leave_with(assignment::kind::lost);
}

/// The client has ended; the next one joins after a pause.
void group_consumer::note_end(const pubsub::error& why, std::chrono::nanoseconds pause) {
  if (trouble_.empty()) trouble_ = why.message;
  has_joined_ = false;
  join_at_ = session_->time().monotonic() + pause;
  pause_ = std::clamp<std::chrono::nanoseconds>(2 * pause_, first_pause, longest_pause);
}

result<void> group_consumer::gain(const rd_kafka_topic_partition_list_t& gained) {
  was_assigned_ = true;
  gained_.reset(rd_kafka_topic_partition_list_copy(&gained));
  std::vector<topic_partition> sources;
  for (int i = 0; i != gained.cnt && !is_leaving_; ++i) {
    sources.push_back(source_of(gained.elems[i]));
    partitions_[sources.back()] = {
        std::make_unique<partition_reader>(client_, sources.back(), wanted_.on_ready), false};
  }
  if (sources.empty()) return accept();
  accept_at_ = session_->time().monotonic() + patience_for_starts;
  auto wake = wanted_.on_ready ? wanted_.on_ready : [] {};
  finders_.push_back(std::make_unique<start_finder>(
      client_, start_finder::questions{wanted_.group, wanted_.start_at, kept_, std::move(wake)},
      std::move(sources)));
  return {};
}

bool group_consumer::is_time_to_accept() const {
  return gained_ != nullptr && (is_leaving_ || finders_.back()->has_looked() ||
                                session_->time().monotonic() >= accept_at_);
}

/// Nothing is fetched before it is known from where. An offset that librdkafka had to ask for, like
/// the end, would not do meanwhile: its answer, when it comes behind a seek, is asked for again
/// half a second later, and then counts (2.14).
result<void> group_consumer::accept() {
  if (!gained_) return {};
  const auto list = std::exchange(gained_, nullptr);
  std::vector<topic_partition> waiting;
  for (int i = 0; i != list->cnt; ++i) {
    list->elems[i].offset = 0;
    waiting.push_back(source_of(list->elems[i]));
  }
  rd_kafka_resume_partitions(client_->get(), list.get());  // one may have been released unasked
  for (const auto& finder : finders_)
    for (const auto& found : finder->begin_moving()) {
      auto* const one = rd_kafka_topic_partition_list_find(list.get(), found.source.topic.c_str(),
                                                           found.source.partition.value());
      if (one == nullptr || found.problem) continue;
      one->offset = found.next.value();
      std::erase(waiting, found.source);
    }
  if (!waiting.empty()) rd_kafka_pause_partitions(client_->get(), list_of(waiting).get());
  return assign(*list);
}

void group_consumer::report_starts() {
  for (const auto& finder : finders_) {
    for (auto& found : finder->take_found()) {
      auto& at = partitions_.at(found.source);
      at.reader->start(found.next);
      if (found.problem) at.reader->lose(found.next, found.end, *std::move(found.problem));
      at.is_known = true;
      member_->gain(found.source);
      changes_.push_back({assignment::kind::assigned, std::move(found.source), found.next});
    }
  }
}

result<void> group_consumer::revoke(const rd_kafka_topic_partition_list_t& revoked) {
  CLOUDFLOW_TRY(accept());  // one after the other
  // librdkafka only says so when all of it is lost at once.
  const auto is_lost = member_->metadata() == nullptr;
  for (int i = 0; i != revoked.cnt; ++i)
    withdraw(source_of(revoked.elems[i]),
             is_lost ? assignment::kind::lost : assignment::kind::revoked);
  revoked_.reset(rd_kafka_topic_partition_list_copy(&revoked));
  return {};
}

/// The owner has to release the partition, if it knows of it.
void group_consumer::withdraw(const topic_partition& source, assignment::kind how) {
  for (const auto& finder : finders_) finder->forget(source);
  const auto at = partitions_.find(source);
  if (at == partitions_.end()) return;
  if (how == assignment::kind::lost) member_->lose(source);
  if (!at->second.is_known) {
    partitions_.erase(at);
  } else if (unreleased_.insert(source).second) {
    changes_.push_back({how, source, at->second.reader->next()});
  }
}

/// When the owner has released everything, another client joins the group.
void group_consumer::leave_with(assignment::kind how) {
  if (std::exchange(is_leaving_, true)) return;
  std::vector<topic_partition> all;
  for (const auto& [source, at] : partitions_) all.push_back(source);
  for (const auto& source : all) withdraw(source, how);
}

void group_consumer::release(const topic_partition& source) {
  const auto at = partitions_.find(source);
  if (at == partitions_.end()) return;
  partitions_.erase(at);
  member_->lose(source);
  if (unreleased_.erase(source) != 0) {
    if (auto done = give_back(); !done) session_->log().error("{}", done.error().message);
    return;
  }
  // Nobody has asked for it: it stays with this member, which takes no more of it.
  rd_kafka_pause_partitions(client_->get(), list_of({source}).get());
}

result<void> group_consumer::join_anew() {
  if (!unreleased_.empty()) return {};
  leave();
  return join_when_due();
}

result<void> group_consumer::join_when_due() {
  const auto now = session_->time().monotonic();
  if (now < join_at_) return {};
  auto joined = join(protocol_);
  if (joined) return joined;
  if (queue_) leave();
  note_end(joined.error(), pause_);
  return joined;
}

result<void> group_consumer::give_back() {
  if (!revoked_ || !unreleased_.empty()) return {};
  const auto list = std::exchange(revoked_, nullptr);
  return unassign(*list);
}

bool group_consumer::is_cooperative() const {
  return std::string_view{rd_kafka_rebalance_protocol(client_->get())} == "COOPERATIVE";
}

result<void> group_consumer::assign(rd_kafka_topic_partition_list_t& gained) const {
  const auto doing = [&] {
    return fmt::format("cannot take partitions of group \"{}\"", wanted_.group);
  };
  if (is_cooperative()) {
    if (error_handle problem{rd_kafka_incremental_assign(client_->get(), &gained)})
      return client_->handle->fail(doing(), std::move(problem));
    return {};
  }
  if (const auto code = rd_kafka_assign(client_->get(), &gained);
      code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return client_->handle->fail(doing(), code);
  return {};
}

result<void> group_consumer::unassign(const rd_kafka_topic_partition_list_t& revoked) const {
  const auto doing = [&] {
    return fmt::format("cannot give back partitions of group \"{}\"", wanted_.group);
  };
  if (is_cooperative()) {
    if (error_handle problem{rd_kafka_incremental_unassign(client_->get(), &revoked)})
      return client_->handle->fail(doing(), std::move(problem));
    return {};
  }
  if (const auto code = rd_kafka_assign(client_->get(), nullptr);
      code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return client_->handle->fail(doing(), code);
  return {};
}

}  // namespace cloudflow::pubsub::kafka
