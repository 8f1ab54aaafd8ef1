#include "cloudflow/runtime/task.hpp"

#include "cloudflow/runtime/crash_note.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace cloudflow::runtime {

/// The committed state of this task's partition, under the streamlet's own numbering of stores.
class task::store_view final : public stores::store_reader {
public:
  store_view(const pubsub::state_reader& stores, const streamlet_instance& streamlet,
             partition_id partition)
    : stores_(&stores),
      names_(&streamlet.store_names),
      values_(&streamlet.store_values),
      partition_(partition) {}

  std::optional<std::string> find(std::size_t store, std::string_view key) const override {
    auto found = stores_->find((*names_)[store], partition_, key);
    if (!found) throw stores::storage_failure(found.error().message);
    return std::move(found).value();
  }
  void scan(std::size_t store, std::string_view prefix,
            const std::function<bool(std::string_view, std::string_view)>& f) const override {
    const auto scanned = stores_->scan((*names_)[store], partition_, prefix, f);
    if (!scanned) throw stores::storage_failure(scanned.error().message);
  }

  const stores::stored_values& values_of(std::size_t store) const override {
    return (*values_)[store];
  }

private:
  const pubsub::state_reader* stores_;
  const std::vector<std::string>* names_;
  const std::vector<stores::stored_values>* values_;
  partition_id partition_;
};

task::task(const streamlet_instance& streamlet, std::int32_t partition, const clock& time,
           const task_options& options, const std::atomic<bool>& must_leave,
           std::function<void()> wake)
  : streamlet_(&streamlet),
    partition_(partition),
    time_(&time),
    options_(options),
    must_leave_(&must_leave),
    wake_(std::move(wake)),
    stores_(
        std::make_unique<store_view>(streamlet.log->state(), streamlet, partition_id{partition})),
    dead_letters_(streamlet, partition, time),
    is_running_(has_inlets()),
    has_partition_(!has_inlets()) {
  for (const auto& outlet : streamlet.outlets) {
    outlet_limits_.push_back(outlet.record_limit);
    changes_.outputs.emplace_back(outlet.partitions, outlet.schema_header);
  }
}

task::~task() = default;

// -- partitions -----------------------------------------------------------------------------------

void task::post(const source_event& e) {
  {
    const std::lock_guard lock{mutex_};
    pending_assignments_.push_back(e);
  }
  has_pending_assignments_.store(true, std::memory_order_release);
  wake_();
}

void task::drain_assignments() {
  if (!has_pending_assignments_.exchange(false, std::memory_order_acquire)) return;
  std::vector<source_event> mail;
  {
    const std::lock_guard lock{mutex_};
    mail.swap(pending_assignments_);
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
  has_partition_.store(has_what_it_needs(), std::memory_order_release);
}

/// State is of a partition of all topics of a group: as long as another process may have one of
/// them, it may have that state as well. None: nothing is missing.
std::optional<std::string> task::missing_topic() const {
  if (!streamlet_->needs.any()) return {};
  for (const auto& s : sources_)
    for (const auto& [topic, partitions] : s->from->topics()) {
      const auto is_it = [&name = topic](const auto& each) { return each->at.topic == name; };
      if (partition_ < partitions && std::none_of(sources_.begin(), sources_.end(), is_it))
        return topic;
    }
  return {};
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
  has_partition_.store(has_what_it_needs(), std::memory_order_release);
  if (!has_partition_.load(std::memory_order_relaxed)) {
    if (streamlet_->needs.any())
      streamlet_->log->give_up(streamlet_->plan->name, partition_id{partition_});
    is_restoring_.store(false, std::memory_order_release);
    restart_at_.reset();
    failures_in_a_row_ = 0;
    is_running_.store(sources_.empty(), std::memory_order_release);
  }
  if (sources_.empty()) must_find_positions_ = false;
  for (const auto& s : gone) s->from->release(s->at);
}

/// After a commit of which nobody knows whether it was done: goes on where the log says. True when
/// that is known.
bool task::find_positions() {
  if (!must_find_positions_) return true;
  for (auto& s : sources_) {
    const auto at = streamlet_->log->position(s->from->group(), s->at);
    if (!at) return false;
    if (*at) s->committed = s->submitted = **at;
  }
  if (streamlet_->needs.any())
    streamlet_->log->give_up(streamlet_->plan->name, partition_id{partition_});
  must_find_positions_ = false;
  rewind();
  for (auto& s : sources_) s->settle();
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
  drain_assignments();
  release_leaving();
  auto result = activity::idle;
  if (has_leaving() || must_rewind_ || (restart_at_ && now < *restart_at_))
    result = activity::waiting;  // what is to be committed before a partition goes does not grow
  else if (has_partition_.load(std::memory_order_relaxed))
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
      if (!chain_) build();
      result = step_chain(now);
    }
  } catch (const flow::failure& f) {
    blame(f, now);
  } catch (const flow::source_failure& e) {
    author_sources_.clear();
    fail(now, e.what());
  } catch (const std::exception& e) {
    fail(now, e.what());
  } catch (...) {
    fail(now, flow::current_exception_text());
  }
  return result;
}

task::activity task::step_chain(timestamp now) {
  const auto ticked = chain_->tick(now);
  waits_for_clock_ = ticked.is_waiting;
  is_suspended_ |= ticked.result == flow::step::suspended;
  look_at_rejected();
  if (is_suspended_) return resume();
  bool has_worked = false;
  for (auto& s : sources_) {
    has_worked |= run_source(*s, now);
    look_at_rejected();
    if (is_suspended_) return activity::worked;
  }
  if (owns_sources()) {
    const auto polled = chain_->poll();
    has_worked |= polled.status == flow::source_status::produced;
    waits_for_clock_ |= polled.status == flow::source_status::idle;
    is_suspended_ |= polled.result == flow::step::suspended;
    look_at_rejected();
  }
  count();
  mark_idle_inlets(now);
  if (has_worked || finish()) return activity::worked;
  return waits_for_clock_ ? activity::waiting : activity::idle;
}

/// Until nothing is held any more, or the worker is wanted elsewhere.
task::activity task::resume() {
  do {
    is_suspended_ = chain_->resume() == flow::step::suspended;
  } while (is_suspended_ && !must_leave_->load(std::memory_order_relaxed) &&
           changes_.byte_size() < options_.fetch.max_bytes);
  look_at_rejected();
  count();
  return activity::worked;
}

bool task::run_source(source& s, timestamp now) {
  if (s.is_exhausted() && !fill(s, now)) return false;
  auto good = s.left_before_bad();
  for (; good.empty() && !s.is_exhausted(); good = s.left_before_bad())
    dead_letter(s, *s.next_bad());
  if (!good.empty()) run_some(s, good);
  return true;
}

bool task::fill(source& s, timestamp now) {
  auto batch = s.from->fetch(s.at, options_.fetch);
  if (!batch) throw std::runtime_error(batch.error().message);
  s.batch = std::move(batch).value();
  if (!s.batch.empty())
    s.quiet_since.reset();
  else if (!s.quiet_since)
    s.quiet_since = now;
  s.left = streamlet_->inlets[s.inlet].reader.convert(s.batch.records(), s.decoded);
  std::erase_if(s.bad, [](const auto& each) { return !each.second.is_decodable; });
  for (const auto& [index, why] : s.decoded.failures)
    s.bad.insert_or_assign(s.batch.records()[index].offset, bad_record{why, false});
  reject_suspects(s);
  s.skip_to_next_batch();
  return !s.is_exhausted();
}

/// Records that are known to end the process.
void task::reject_suspects(source& s) const {
  for (const auto& c : streamlet_->suspects)
    if (c.is_found() && c.is_of(s.at.topic, s.at.partition.value()))
      for (const auto& r : s.left)
        if (c.contains(r.offset.value())) s.bad.insert_or_assign(r.offset, bad_record{c.reason()});
}

/// How many of the records run at once: one by one where any of them may be to blame for what the
/// process cannot bear.
std::span<const record_view> task::run_at_once(const source& s,
                                               std::span<const record_view> records) {
  if (run_alone_ != 0) {
    --run_alone_;
    return records.first(1);
  }
  for (const auto& c : streamlet_->suspects) {
    if (!c.is_run_alone() || !c.is_of(s.at.topic, s.at.partition.value())) continue;
    const auto first = std::ranges::find_if(
        records, [&c](const record_view& r) { return c.contains(r.offset.value()); });
    const auto before = static_cast<std::size_t>(first - records.begin());
    records = records.first(std::max<std::size_t>(before, 1));
  }
  return records;
}

void task::run_some(source& s, std::span<const record_view> records) {
  records = run_at_once(s, records);
  crash_note::set(streamlet_->plan->name, s.at.topic, partition_, records.front().offset.value(),
                  records.back().offset.value());
  const auto done = chain_->run({s.inlet, s.at.topic, s.at.partition.value(), records});
  is_suspended_ |= done.result == flow::step::suspended;
  changes_.counted[record_way::read] += done.processed;
  s.take_off(done.processed);
}

/// True when it has fired what was open. It is asked to until that is committed.
bool task::finish() {
  if (!must_finish_.load(std::memory_order_acquire)) return false;
  if (!has_finished_) {
    is_suspended_ |= chain_->finish() == flow::step::suspended;
    return has_finished_ = true;
  }
  if (!is_committing_ && !has_changes()) {
    holds_end_ = true;
    must_finish_.store(false, std::memory_order_release);
    has_finished_ = false;
  }
  return false;
}

/// Tells the chain which inlets are idle, where others may wait for them.
void task::mark_idle_inlets(timestamp now) {
  for (std::size_t i = 0; i != idleness_.size(); ++i)
    if (idleness_[i].is_idle(now, sources_, *streamlet_->log)) chain_->mark_idle(i);
}

void task::count() {
  task_metrics::add(metrics_.records_in, changes_.count.records_in);
  task_metrics::add(metrics_.records_late, changes_.count.records_late);
  if (changes_.count.watermark != timestamp::min())
    metrics_.watermark.store(changes_.count.watermark, std::memory_order_relaxed);
  changes_.count = {};
}

// -- failure --------------------------------------------------------------------------------------

void task::build() {
  for (std::size_t i = 0; i != changes_.outputs.size(); ++i)
    changes_.outputs[i].set_limit(streamlet_->outlets[i].topic, outlet_limits_[i]);
  chain_ = streamlet_->definition->start(
      streamlet_->where, {.out = &changes_,
                          .stores = stores_.get(),
                          .time = time_,
                          .wake = owns_sources() ? wake_ : nullptr,
                          .sources = owns_sources() ? &author_sources_ : nullptr,
                          .bad = &quarantine_,
                          .must_leave = must_leave_,
                          .repartitions = streamlet_->repartitions,
                          .partition = partition_,
                          .is_partitioned = std::ranges::any_of(
                              streamlet_->inlets, [](const auto& in) { return in.partitions > 1; }),
                          .idle_timeout = streamlet_->plan->idle_timeout});
  idleness_.clear();
  if (!streamlet_->repartitions.empty())
    for (std::size_t i = 0; i != streamlet_->inlets.size(); ++i)
      idleness_.emplace_back(i, streamlet_->plan->idle_timeout);
  is_suspended_ = chain_->load() == flow::step::suspended;
  restart_at_.reset();
  is_running_.store(true, std::memory_order_release);
}

/// Forgets everything that is not part of a commit under way.
void task::halt() {
  chain_.reset();
  changes_.clear();
  changes_.count = {};
  looked_at_ = 0;
  is_suspended_ = false;
  waits_for_clock_ = false;
  has_finished_ = false;
  is_restored_ = false;  // where its state is still here, restore() says so at once
  // A parked record may have held the end back, and the operators knew of it.
  if (std::exchange(holds_end_, false)) has_lost_end_.store(true, std::memory_order_release);
}

void task::rewind() {
  must_rewind_ = false;
  author_sources_.dropped();
  quarantine_.dropped();
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
