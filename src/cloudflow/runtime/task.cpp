#include "cloudflow/runtime/task.hpp"

#include "cloudflow/runtime/crash_note.hpp"

#include <fmt/format.h>

namespace cloudflow::runtime {

task::task(const streamlet_instance& streamlet, std::int32_t partition, const clock& time,
           const task_options& options, const std::atomic<bool>& must_leave,
           std::function<void()> wake)
  : streamlet_(&streamlet),
    partition_(partition),
    time_(&time),
    options_(options),
    wake_(std::move(wake)),
    sources_(streamlet, partition),
    reader_(streamlet, options.fetch),
    dead_letters_(streamlet, partition, time),
    chain_({.streamlet = &streamlet,
            .partition = partition,
            .time = &time,
            .must_leave = &must_leave,
            .wake = wake_,
            // They have no partitions: the first task of a streamlet has them.
            .has_source_functions = !has_inlets() || partition == 0}),
    commit_(streamlet, partition_id{partition}),
    restart_(options.first_restart_delay, options.longest_restart_delay),
    is_running_(has_inlets()),
    has_partition_(!has_inlets()) {}

// -- partitions -----------------------------------------------------------------------------------

void task::post(const source_event& e) {
  sources_.post(e);
  wake_();
}

void task::take_assignments() {
  for (const auto& e : sources_.take_posted()) {
    if (e.change.what != pubsub::assignment::kind::assigned) {
      give_up(e);
      continue;
    }
    if (sources_.empty()) is_running_.store(false, std::memory_order_release);
    sources_.add(e);
    has_partition_.store(sources_.is_complete(), std::memory_order_release);
  }
}

void task::give_up(const source_event& e) {
  auto* s = sources_.find(e.change.source);
  if (s == nullptr) return;
  s->is_leaving = true;
  // What another member may be doing already must not be done here as well.
  if (e.change.what == pubsub::assignment::kind::lost) drop();
}

/// Lets go of partitions that have to leave, once nothing of theirs is uncommitted.
void task::release_leaving() {
  if (!sources_.has_leaving() || is_committing() || has_changes()) return;
  // The chain may hold a part of a record of theirs; without partitions it is not needed either.
  halt();
  const auto gone = sources_.take_leaving();
  rewind();
  has_partition_.store(sources_.is_complete(), std::memory_order_release);
  if (!has_partition_.load(std::memory_order_relaxed)) {
    if (streamlet_->needs.any())
      streamlet_->log->give_up(streamlet_->plan->name, partition_id{partition_});
    is_restoring_.store(false, std::memory_order_release);
    restart_.forget();
    is_running_.store(sources_.empty(), std::memory_order_release);
  }
  if (sources_.empty()) must_find_positions_ = false;
  for (const auto& s : gone) s->from->release(s->at);
}

/// After a commit of which nobody knows whether it was done: goes on where the log says. True when
/// that is known.
bool task::find_positions() {
  if (!must_find_positions_) return true;
  for (const auto& s : sources_.all()) {
    const auto at = streamlet_->log->position(s->from->group(), s->at);
    if (!at) return false;
    if (*at) s->committed = s->submitted = **at;
  }
  if (streamlet_->needs.any())
    streamlet_->log->give_up(streamlet_->plan->name, partition_id{partition_});
  must_find_positions_ = false;
  rewind();
  sources_.settle();
  return true;
}

/// True when the state is here.
bool task::restore() {
  if (is_restored_ || !streamlet_->needs.any()) return true;
  auto done = streamlet_->log->restore(streamlet_->plan->name, partition_id{partition_}, wake_);
  if (!done) throw stores::storage_failure(done.error().message);
  is_restoring_.store(!*done, std::memory_order_release);
  return is_restored_ = *done;
}

// -- work -----------------------------------------------------------------------------------------

task::activity task::step(timestamp now) {
  take_assignments();
  release_leaving();
  auto result = activity::idle;
  if (sources_.has_leaving() || must_rewind_ || restart_.is_waiting(now))
    result = activity::waiting;  // what is to be committed before a partition goes does not grow
  else if (has_partition_.load(std::memory_order_relaxed))
    result = step_safely(now);
  is_idle_.store(result == activity::idle && !is_committing() && !has_changes(),
                 std::memory_order_release);
  return result;
}

task::activity task::step_safely(timestamp now) {
  auto result = activity::worked;
  crash_note::begin(streamlet_->plan->name, chain_.done().at_work);
  try {
    if (!find_positions() || !restore()) {
      result = activity::waiting;
    } else {
      if (!chain_.is_built()) build();
      result = step_chain(now);
    }
  } catch (const flow::failure& f) {
    blame(f, now);
  } catch (const flow::source_failure& e) {
    chain_.forget_sources();
    fail(now, e.what());
  } catch (const std::exception& e) {
    fail(now, e.what());
  } catch (...) {
    fail(now, flow::current_exception_text());
  }
  crash_note::end();
  return result;
}

task::activity task::step_chain(timestamp now) {
  chain_.tick(now);
  check_rejected();
  if (chain_.is_suspended()) return resume();
  bool has_worked = false;
  for (const auto& s : sources_.all()) {
    has_worked |= run_source(*s, now);
    check_rejected();
    if (chain_.is_suspended()) return activity::worked;
  }
  has_worked |= chain_.poll();
  check_rejected();
  count();
  chain_.mark_idle_inlets(now, sources_.all());
  if (has_worked || finish()) return activity::worked;
  return chain_.waits_for_clock() ? activity::waiting : activity::idle;
}

task::activity task::resume() {
  chain_.resume(options_.fetch.max_bytes);
  check_rejected();
  count();
  return activity::worked;
}

bool task::run_source(source& s, timestamp now) {
  if (!reader_.fill(s, now)) return false;
  auto good = s.left_before_bad();
  for (; good.empty() && !s.is_exhausted(); good = s.left_before_bad()) reject(s, *s.next_bad());
  if (!good.empty()) run_some(s, good);
  return true;
}

void task::run_some(source& s, std::span<const record_view> records) {
  records = reader_.run_at_once(s, records);
  crash_note::begin_records(s.at.topic, partition_, records.front().offset.value(),
                            records.back().offset.value());
  const auto processed = chain_.run({s.inlet, s.at.topic, s.at.partition.value(), records});
  crash_note::end_records();
  chain_.done().counted[record_way::read] += processed;
  s.take_off(processed);
}

/// The record as the inlet reads it or, where it cannot, as it came.
void task::reject(source& s, const std::pair<const record_offset, bad_record>& bad) {
  const auto& [offset, why] = bad;
  const auto& r = why.is_decodable ? s.left.front() : *s.find(offset);
  const flow::batch of{s.inlet, s.at.topic, s.at.partition.value(), {}};
  auto& done = chain_.done();
  done.rejected.push_back({flow::keep(of, r), why.reason, why.is_decodable});
  ++done.counted[record_way::read];
  ++done.counted[record_way::rejected];
  s.take_off_bad(offset);
}

/// True when it has fired what was open. It is asked to until that is committed.
bool task::finish() {
  if (!end_.is_requested()) return false;
  if (!end_.has_fired()) {
    chain_.finish();
    end_.fired();
    return true;
  }
  if (!is_committing() && !has_changes()) end_.committed();
  return false;
}

void task::count() {
  auto& count = chain_.done().count;
  task_metrics::add(metrics_.records_in, count.records_in);
  task_metrics::add(metrics_.records_late, count.records_late);
  if (count.watermark != timestamp::min())
    metrics_.watermark.store(count.watermark, std::memory_order_relaxed);
  count = {};
}

// -- failure --------------------------------------------------------------------------------------

void task::build() {
  chain_.build();
  restart_.started();
  is_running_.store(true, std::memory_order_release);
}

/// Forgets everything that is not part of a commit under way.
void task::halt() {
  chain_.halt();
  dead_letters_.restart_check();
  end_.dropped();
  is_restored_ = false;  // where its state is still here, restore() says so at once
}

void task::rewind() {
  must_rewind_ = false;
  chain_.rewind();
  sources_.rewind();
}

/// Forgets everything since the last commit, which may be still under way.
void task::drop() {
  halt();
  if (is_committing())
    must_rewind_ = true;
  else
    rewind();
}

void task::fail(timestamp now, const std::string& reason) {
  drop();
  const auto delay = restart_.failed(now);
  task_metrics::add(metrics_.restarts, 1);
  is_running_.store(false, std::memory_order_release);
  {
    const std::lock_guard lock{mutex_};
    failure_ = reason;
  }
  streamlet_->where.log.error("partition {} failed: {}; restarts from the last commit in {} ms",
                              partition_, reason, delay.count());
}

/// What the author's code threw goes by the policy of the call's origin. With the policies that go
/// on without it, everything since the last commit is done again but for this call: so half a
/// record never shows, and nothing is saved per record for it.
void task::blame(const flow::failure& f, timestamp now) {
  const auto where = fmt::format("{}: {}", dead_letters_.describe(f.from), f.reason);
  if (chain_.has_raised_limit()) return drop();
  if (f.cause == flow::failure_cause::out_of_memory && !reader_.runs_alone()) {
    // Other records may have taken the memory: it is this one only if it fails alone.
    reader_.run_alone();
    return fail(now, where);
  }
  if (dead_letters_.policy_of(f.from) == blueprint::bad_record_policy::fail)
    return fail(now, where);
  const auto* topic = &dead_letters_.topic_of(f.from);
  streamlet_->where.log.warn("{}; {}", where,
                             topic->empty() ? "skipped" : "becomes a dead letter in " + *topic);
  quarantine(f);
}

/// A record that is still to be committed is left out by the task itself, everything else by the
/// operator that made the call.
void task::quarantine(const flow::failure& f) {
  const auto is_of_record = f.from.what == flow::origin_kind::inlet && f.call.empty();
  drop();
  if (!is_of_record) return chain_.quarantine(f);
  if (auto* s = sources_.find({f.from.topic, partition_id{f.from.partition}}))
    s->bad.insert_or_assign(f.from.offset, bad_record{f.reason});
}

// -- commit ---------------------------------------------------------------------------------------

bool task::has_changes() const noexcept {
  return !chain_.done().empty() || (!must_rewind_ && sources_.has_moved());
}

void task::collect(pubsub::transaction& into) {
  if (!chain_.is_built() || !has_changes()) return;
  auto& taken = commit_.open();
  chain_.save(taken);
  dead_letters_.restart_check();
  is_idle_.store(false, std::memory_order_release);
  commit_.add_to(into);
  dead_letters_.write(taken.rejected, into);
  // All of them, moved or not: that the task still has its partitions is what makes the commit
  // valid.
  for (const auto& s : sources_.all()) {
    s->submit();
    into.positions.push_back({s->from->group(), s->at.topic, s->at.partition, s->submitted});
  }
}

void task::committed() {
  if (!is_committing()) return;
  sources_.settle();
  sources_.forget_moved(time_->monotonic(), options_.forget_interval);
  commit_.succeeded(metrics_);
  chain_.committed();
  restart_.succeeded();
  if (must_rewind_) rewind();
}

void task::abandon(const pubsub::error& e) {
  if (!is_committing()) return;
  commit_.failed();
  must_find_positions_ = e.code == pubsub::errc::outcome_unknown;
  if (must_find_positions_) chain_.outcome_unknown();
  if (e.code == pubsub::errc::rebalanced || e.is_retriable() || must_rewind_)
    drop();
  else
    fail(time_->now(), e.message);
}

// -- status ---------------------------------------------------------------------------------------

task_status task::status() const {
  task_status s{.streamlet = streamlet_->plan->name,
                .partition = partition_,
                .is_running = is_running(),
                .failure = {},
                .is_restoring = is_restoring_.load(std::memory_order_acquire),
                .sources = {}};
  metrics_.describe(s, time_->now());
  if (!s.is_running) {
    const std::lock_guard lock{mutex_};
    s.failure = failure_;
  }
  sources_.describe(s);
  return s;
}

}  // namespace cloudflow::runtime
