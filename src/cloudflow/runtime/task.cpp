#include "cloudflow/runtime/task.hpp"

#include "cloudflow/runtime/crash_note.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace cloudflow::runtime {

/// The committed state of this task's partition, under the streamlet's own numbering of stores.
class task::store_view final : public flow::store_reader {
public:
  store_view(const pubsub::state_reader& stores, const std::vector<std::string>& names,
             partition_id partition)
    : stores_(&stores), names_(&names), partition_(partition) {}

  std::optional<std::string> find(std::size_t store, std::string_view key) const override {
    auto found = stores_->find((*names_)[store], partition_, key);
    if (!found) throw flow::storage_failure(found.error().message);
    return std::move(found).value();
  }
  void scan(std::size_t store, std::string_view prefix,
            const std::function<bool(std::string_view, std::string_view)>& f) const override {
    const auto scanned = stores_->scan((*names_)[store], partition_, prefix, f);
    if (!scanned) throw flow::storage_failure(scanned.error().message);
  }

private:
  const pubsub::state_reader* stores_;
  const std::vector<std::string>* names_;
  partition_id partition_;
};

task::task(const streamlet_instance& streamlet, std::int32_t partition, const clock& time,
           const task_options& options, std::function<void()> wake)
  : streamlet_(&streamlet),
    partition_(partition),
    time_(&time),
    options_(options),
    wake_(std::move(wake)),
    stores_(std::make_unique<store_view>(streamlet.log->state(), streamlet.store_names,
                                         partition_id{partition})),
    outlet_limits_(streamlet.outlet_limits),
    letter_limits_(streamlet.letter_limits),
    is_running_(has_inlets()) {
  for (std::size_t i = 0; i != streamlet.outlet_topics.size(); ++i)
    changes_.outputs.emplace_back(streamlet.outlet_partitions[i],
                                  streamlet.outlet_schema_headers[i]);
}

task::~task() = default;

// -- partitions --------------------------------------------------------------------------------------

void task::post(const source_event& e) {
  {
    const std::lock_guard lock{mutex_};
    mail_.push_back(e);
  }
  has_mail_.store(true, std::memory_order_release);
  wake_();
}

void task::read_mail() {
  if (!has_mail_.exchange(false, std::memory_order_acquire)) return;
  std::vector<source_event> mail;
  {
    const std::lock_guard lock{mutex_};
    mail.swap(mail_);
  }
  for (const auto& e : mail) {
    if (e.change.what == pubsub::assignment::kind::assigned)
      add(e);
    else
      give_up(e);
  }
}

void task::add(const source_event& e) {
  if (sources_.empty()) is_running_.store(false, std::memory_order_release);
  const std::lock_guard lock{mutex_};
  sources_.push_back(std::make_unique<source>(e));
}

void task::give_up(const source_event& e) {
  const auto s = std::find_if(sources_.begin(), sources_.end(),
                              [&](const auto& each) { return each->at == e.change.source; });
  if (s == sources_.end()) return;
  (*s)->is_leaving = true;
  // What another member may be doing already must not be done here as well.
  if (e.change.what == pubsub::assignment::kind::lost) drop();
}

bool task::has_leaving() const noexcept {
  return std::any_of(sources_.begin(), sources_.end(), [](const auto& s) { return s->is_leaving; });
}

/// Lets go of partitions that have to leave, once nothing of theirs is uncommitted.
void task::release_leaving() {
  if (!has_leaving() || is_committing_ || has_changes()) return;
  // The program may hold a part of a record of theirs; without partitions it is not needed either.
  halt();
  std::vector<std::unique_ptr<source>> gone;
  {
    const std::lock_guard lock{mutex_};
    const auto first_gone = std::stable_partition(sources_.begin(), sources_.end(),
                                                  [](const auto& s) { return !s->is_leaving; });
    std::move(first_gone, sources_.end(), std::back_inserter(gone));
    sources_.erase(first_gone, sources_.end());
  }
  rewind();
  if (sources_.empty()) {
    if (streamlet_->needs.any())
      streamlet_->log->give_up(streamlet_->plan->name, partition_id{partition_});
    is_restored_ = must_look_ = false;
    is_restoring_.store(false, std::memory_order_release);
    restart_at_.reset();
    failures_in_a_row_ = 0;
    is_running_.store(true, std::memory_order_release);
  }
  for (const auto& s : gone) s->from->release(s->at);
}

/// After a commit of which nobody knows whether it was done: goes on where the log says. True when that is known.
bool task::find_positions() {
  if (!must_look_) return true;
  for (auto& s : sources_) {
    const auto at = streamlet_->log->position(s->from->group(), s->at);
    if (!at) return false;
    if (*at) s->committed = s->submitted = **at;
  }
  if (streamlet_->needs.any())
    streamlet_->log->give_up(streamlet_->plan->name, partition_id{partition_});
  is_restored_ = must_look_ = false;
  rewind();
  for (auto& s : sources_) s->settle();
  return true;
}

/// True when the state is here.
bool task::restore() {
  if (is_restored_ || !streamlet_->needs.any()) return true;
  auto done = streamlet_->log->restore(streamlet_->plan->name, partition_id{partition_}, wake_);
  if (!done) throw flow::storage_failure(done.error().message);
  is_restoring_.store(!*done, std::memory_order_release);
  return is_restored_ = *done;
}

// -- work --------------------------------------------------------------------------------------------

task::activity task::step(timestamp now) {
  read_mail();
  release_leaving();
  auto result = activity::idle;
  const bool has_partition = !has_inlets() || !sources_.empty();
  has_partition_.store(has_partition, std::memory_order_release);
  if (has_leaving() || must_rewind_ || (restart_at_ && now < *restart_at_))
    result = activity::waiting;  // what is to be committed before a partition goes does not grow
  else if (has_partition)
    result = step_safely(now);
  is_idle_.store(result == activity::idle && !is_committing_ && !has_changes(),
                 std::memory_order_release);
  return result;
}

task::activity task::step_safely(timestamp now) {
  auto result = activity::worked;
  crash_note::set(streamlet_->plan->name, {}, partition_, 0, 0);
  try {
    if (!find_positions() || !restore()) {
      result = activity::waiting;
    } else {
      if (!program_) build();
      result = step_program(now);
      if (result == activity::worked) failures_in_a_row_ = 0;
    }
  } catch (const flow::record_failure& e) {
    poisoned(e.offset, now, e.what());
  } catch (const std::exception& e) {
    fail(now, e.what());
  }
  current_ = nullptr;
  crash_note::clear();
  return result;
}

task::activity task::step_program(timestamp now) {
  bool has_worked = false;
  current_ = nullptr;
  waits_for_clock_ = program_->tick(now);
  look_at_rejected();
  if (changes_.is_suspended) return work_off_suspended();
  for (auto& s : sources_) {
    has_worked |= run_source(*s, now);
    look_at_rejected();
    if (changes_.is_suspended) return activity::worked;
  }
  current_ = nullptr;
  if (owns_sources()) has_worked |= program_->poll() == flow::source_status::produced;
  look_at_rejected();
  count();
  tell_rests(now);
  if (has_worked || finish()) return activity::worked;
  return waits_for_clock_ ? activity::waiting : activity::idle;
}

task::activity task::work_off_suspended() {
  auto& s = *suspended_;
  current_ = &s;
  try {
    program_->resume();
  } catch (const try_again&) {
    throw;
  } catch (const std::exception& e) {
    throw flow::record_failure(s.inlet, s.left.front().offset, e.what());
  }
  look_at_rejected();
  if (!changes_.is_suspended) s.take_off(1);
  count();
  return activity::worked;
}

bool task::run_source(source& s, timestamp now) {
  if (s.is_exhausted() && !fill(s, now)) return false;
  current_ = &s;
  auto good = s.left_before_bad();
  for (; good.empty() && !s.is_exhausted(); good = s.left_before_bad()) set_aside(s, *s.next_bad());
  if (!good.empty()) run_some(s, good);
  return true;
}

bool task::fill(source& s, timestamp now) {
  auto batch = s.from->take(s.at, options_.fetch);
  if (!batch) throw std::runtime_error(batch.error().message);
  s.batch = std::move(batch).value();
  if (!s.batch.empty())
    s.quiet_since.reset();
  else if (!s.quiet_since)
    s.quiet_since = now;
  s.left = streamlet_->readers[s.inlet].convert(s.batch.records(), s.decoded);
  std::erase_if(s.bad, [](const auto& each) { return !each.second.is_decodable; });
  for (const auto& [index, why] : s.decoded.failures)
    s.bad.insert_or_assign(s.batch.records()[index].offset, bad_record{why, false});
  s.skip_to_next_batch();
  return !s.is_exhausted();
}

void task::run_some(source& s, std::span<const record_view> records) {
  crash_note::set(streamlet_->plan->name, s.at.topic, partition_, records.front().offset.value(),
                  records.back().offset.value());
  const auto begun = program_->run({s.inlet, records});
  suspended_ = changes_.is_suspended ? &s : nullptr;
  s.take_off(changes_.is_suspended ? begun - 1 : begun);
}

/// True when it has fired what was open. It is asked to until that is committed.
bool task::finish() {
  if (!must_finish_.load(std::memory_order_acquire)) return false;
  if (!has_finished_) {
    program_->finish();
    return has_finished_ = true;
  }
  if (!is_committing_ && !has_changes()) {
    must_finish_.store(false, std::memory_order_release);
    has_finished_ = false;
  }
  return false;
}

/// Tells the program which inlets rest, where others may wait for them.
void task::tell_rests(timestamp now) {
  for (std::size_t i = 0; i != rests_.size(); ++i)
    if (rests_[i].rests(now, sources_, *streamlet_->log)) program_->rest(i);
}

void task::count() {
  task_metrics::add(metrics_.records_in, changes_.count.records_in);
  task_metrics::add(metrics_.records_late, changes_.count.records_late);
  if (changes_.count.watermark != timestamp::min())
    metrics_.watermark.store(changes_.count.watermark, std::memory_order_relaxed);
  changes_.count = {};
}

// -- failure -----------------------------------------------------------------------------------------

void task::build() {
  for (std::size_t i = 0; i != changes_.outputs.size(); ++i)
    changes_.outputs[i].set_limit(streamlet_->outlet_topics[i], outlet_limits_[i]);
  program_ = streamlet_->definition->start(streamlet_->where,
                                           {.out = &changes_,
                                            .stores = stores_.get(),
                                            .time = time_,
                                            .wake = owns_sources() ? wake_ : nullptr,
                                            .repartitions = streamlet_->repartitions,
                                            .partition = partition_,
                                            .idle_timeout = streamlet_->plan->idle_timeout});
  rests_.clear();
  if (!streamlet_->repartitions.empty())
    for (std::size_t i = 0; i != streamlet_->inlets.size(); ++i)
      rests_.emplace_back(i, streamlet_->plan->idle_timeout);
  program_->load();
  restart_at_.reset();
  is_running_.store(true, std::memory_order_release);
}

/// Forgets everything that is not part of a commit under way.
void task::halt() {
  program_.reset();
  changes_.clear();
  changes_.is_suspended = false;
  changes_.count = {};
  rejected_from_.clear();
  waits_for_clock_ = false;
  has_finished_ = false;
  current_ = suspended_ = nullptr;
}

void task::rewind() {
  must_rewind_ = false;
  for (auto& s : sources_) s->rewind();
}

/// Forgets everything since the last commit, which may be still under way.
void task::drop() {
  halt();
  if (is_committing_)
    must_rewind_ = true;
  else
    rewind();
}

void task::fail(timestamp now, const std::string& reason) {
  drop();
  auto delay = options_.first_restart_delay;
  for (int i = 0; i < failures_in_a_row_ && delay < options_.longest_restart_delay; ++i) delay *= 2;
  delay = std::min(delay, options_.longest_restart_delay);
  ++failures_in_a_row_;
  restart_at_ = now + delay;
  task_metrics::add(metrics_.restarts, 1);
  is_running_.store(false, std::memory_order_release);
  {
    const std::lock_guard lock{mutex_};
    failure_ = reason;
  }
  streamlet_->where.log.error("partition {} failed: {}; restarts from the last commit in {} ms",
                              partition_, reason, delay.count());
}

}  // namespace cloudflow::runtime
