#include "cloudflow/runtime/task.hpp"

#include "cloudflow/runtime/crash_note.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace cloudflow::runtime {

namespace {

/// Headers of a dead letter, after Kafka Connect's: where the record was and why it is here.
constexpr std::string_view header_reason = "cloudflow-reason", header_topic = "cloudflow-topic",
                           header_partition = "cloudflow-partition",
                           header_offset = "cloudflow-offset", header_time = "cloudflow-time";

}  // namespace

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

// -- life --------------------------------------------------------------------------------------------

task::task(const streamlet_instance& streamlet, std::int32_t partition,
           const pubsub::state_reader& stores, const clock& time, const task_options& options,
           std::function<void()> wake)
  : streamlet_(&streamlet),
    partition_(partition),
    time_(&time),
    options_(options),
    wake_(std::move(wake)),
    stores_(std::make_unique<store_view>(stores, streamlet.store_names, partition_id{partition})) {
  for (std::size_t i = 0; i != streamlet.outlet_topics.size(); ++i)
    changes_.outputs.emplace_back(streamlet.outlet_partitions[i],
                                  streamlet.outlet_schema_headers[i]);
}

task::~task() = default;

void task::assign(std::size_t inlet, record_offset next) {
  auto s = std::make_unique<source>();
  s->inlet = inlet;
  s->committed = s->next = next;
  s->position.store(next.value(), std::memory_order_release);
  sources_.push_back(std::move(s));
}

void task::build() {
  program_ = streamlet_->definition->start(
      streamlet_->where, {&changes_, stores_.get(), time_, owns_sources() ? wake_ : nullptr});
  program_->load();
  restart_at_.reset();
  is_running_.store(true, std::memory_order_release);
}

/// Forgets everything since the last commit.
void task::drop() {
  program_.reset();
  changes_.clear();
  changes_.is_suspended = false;
  changes_.count = {};
  is_saved_ = false;
  waits_for_clock_ = false;
  for (auto& s : sources_) {
    s->batch = {};
    s->left = {};
    s->next = s->committed;
    streamlet_->inputs[s->inlet]
        ->seek(partition_id{partition_}, s->committed)
        .ignore("the next take reports it");
  }
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
    const std::lock_guard lock{failure_mutex_};
    failure_ = reason;
  }
  streamlet_->where.log.error("partition {} failed: {}; restarts from the last commit in {} ms",
                              partition_, reason, delay.count());
}

/// A record makes the author's code throw. With the policies that go on without it, everything since the last commit
/// is done again but for this record: so half a record never shows, and nothing is saved per record for it.
void task::poisoned(std::size_t inlet, record_offset at, timestamp now, const std::string& reason) {
  auto* s = source_of(inlet);
  const auto& port = streamlet_->plan->inlets[inlet];
  const auto where =
      fmt::format("inlet {}, topic {}, partition {}, offset {}: {}", port.name,
                  streamlet_->inputs[inlet]->topic(), partition_, at.value(), reason);
  if (s == nullptr || port.on_bad_record == blueprint::bad_record_policy::fail)
    return fail(now, where);
  streamlet_->where.log.warn("{}; the record is set aside", where);
  drop();
  s->poison = {at, reason};
}

// -- work --------------------------------------------------------------------------------------------

task::activity task::step(timestamp now) {
  if (restart_at_ && now < *restart_at_) return activity::waiting;
  auto result = activity::worked;
  crash_note::set(streamlet_->plan->name, {}, partition_, 0, 0);
  try {
    if (!program_) build();
    result = step_program(now);
    if (result == activity::worked) failures_in_a_row_ = 0;
  } catch (const flow::record_failure& e) {
    poisoned(e.inlet, e.offset, now, e.what());
  } catch (const std::exception& e) {
    fail(now, e.what());
  }
  crash_note::clear();
  is_idle_.store(result == activity::idle && !has_changes(), std::memory_order_release);
  return result;
}

task::activity task::step_program(timestamp now) {
  bool has_worked = false;
  waits_for_clock_ = program_->tick(now);
  if (changes_.is_suspended) return work_off_suspended();
  for (auto& s : sources_) {
    has_worked |= run_source(*s);
    if (changes_.is_suspended) return activity::worked;
    refuse_rejected();
  }
  if (owns_sources()) has_worked |= program_->poll() == flow::source_status::produced;
  refuse_rejected();
  count();
  if (!has_worked && must_finish_.load(std::memory_order_acquire)) {
    finish();
    return activity::worked;
  }
  if (has_worked) return activity::worked;
  return waits_for_clock_ ? activity::waiting : activity::idle;
}

/// The policy `fail` holds for whatever a record is rejected for.
void task::refuse_rejected() const {
  for (const auto& r : changes_.rejected)
    if (r.inlet < streamlet_->plan->inlets.size() &&
        streamlet_->plan->inlets[r.inlet].on_bad_record == blueprint::bad_record_policy::fail)
      throw flow::record_failure(r.inlet, r.offset, r.reason.c_str());
}

task::activity task::work_off_suspended() {
  const auto suspended = std::find_if(sources_.begin(), sources_.end(),
                                      [](const auto& s) { return !s->left.empty(); });
  auto& s = **suspended;  // its first record is the suspended one
  try {
    program_->resume();
  } catch (const try_again&) {
    throw;
  } catch (const std::exception& e) {
    throw flow::record_failure(s.inlet, s.left.front().offset, e.what());
  }
  if (!changes_.is_suspended) take_off(s, 1);
  count();
  return activity::worked;
}

bool task::run_source(source& s) {
  if (s.left.empty() && !fill(s)) return false;
  if (s.poison && s.left.front().offset <= s.poison->first) {
    const auto before = std::find_if(s.left.begin(), s.left.end(), [&](const record_view& r) {
      return r.offset >= s.poison->first;
    });
    const auto healthy = static_cast<std::size_t>(before - s.left.begin());
    if (healthy != 0) {
      run_some(s, s.left.first(healthy));
      return true;
    }
    if (s.left.front().offset == s.poison->first) reject(s, s.left.front(), s.poison->second);
    s.poison.reset();
    return true;
  }
  run_some(s, s.left);
  return true;
}

bool task::fill(source& s) {
  auto& in = *streamlet_->inputs[s.inlet];
  auto batch = in.take(partition_id{partition_}, options_.fetch);
  if (!batch) throw std::runtime_error(batch.error().message);
  if (batch->empty()) return false;
  s.batch = std::move(batch).value();
  s.left = streamlet_->readers[s.inlet].convert(s.batch.records(), s.decoded);
  for (const auto& [index, why] : s.decoded.failures) {
    const auto& r = s.batch.records()[index];
    changes_.rejected.push_back(
        {s.inlet, r.offset, std::string{r.key}, std::string{r.value}, why, false});
  }
  if (s.left.empty()) s.next = s.batch.records().back().offset + 1;
  return !s.left.empty();
}

void task::run_some(source& s, std::span<const record_view> records) {
  crash_note::set(streamlet_->plan->name, streamlet_->inputs[s.inlet]->topic(), partition_,
                  records.front().offset.value(), records.back().offset.value());
  const auto begun = program_->run({s.inlet, records});
  take_off(s, changes_.is_suspended ? begun - 1 : begun);
}

/// The first `count` records that are left have been processed.
void task::take_off(source& s, std::size_t count) {
  if (count != 0) s.next = s.left[count - 1].offset + 1;
  s.left = s.left.subspan(count);
  if (s.left.empty())
    s.next = s.batch.records().back().offset + 1;  // behind what could not be converted
}

void task::reject(source& s, const record_view& r, const std::string& reason) {
  changes_.rejected.push_back(
      {s.inlet, r.offset, std::string{r.key}, std::string{r.value}, reason});
  take_off(s, 1);
}

void task::finish() {
  program_->finish();
  must_finish_.store(false, std::memory_order_release);
}

task::source* task::source_of(std::size_t inlet) {
  for (auto& s : sources_)
    if (s->inlet == inlet) return s.get();
  return nullptr;
}

// -- commit ------------------------------------------------------------------------------------------

bool task::has_changes() const noexcept {
  if (!changes_.empty() || is_saved_) return true;
  return std::any_of(sources_.begin(), sources_.end(),
                     [](const auto& s) { return s->next != s->committed; });
}

std::size_t task::uncommitted_bytes() const noexcept { return changes_.byte_size(); }

void task::collect(pubsub::transaction& into) {
  if (!program_) return;
  if (!is_saved_) {
    program_->save();
    is_saved_ = true;
    dead_letters_.clear();
  }
  collect_outputs(into);
  collect_rejected(into);
  for (const auto& change : changes_.state.entries())
    into.state.push_back({streamlet_->store_names[change.store], partition_id{partition_},
                          changes_.state.key(change), changes_.state.value(change)});
  for (const auto& s : sources_) {
    if (s->next == s->committed) continue;
    const auto& in = *streamlet_->inputs[s->inlet];
    into.positions.push_back({in.group(), in.topic(), partition_id{partition_}, s->next});
  }
}

void task::collect_outputs(pubsub::transaction& into) {
  for (std::size_t i = 0; i != changes_.outputs.size(); ++i) {
    const auto parts = changes_.outputs[i].by_partition();
    for (std::size_t p = 0; p != parts.size(); ++p)
      if (!parts[p].empty())
        into.outputs.push_back(
            {streamlet_->outlet_topics[i], partition_id{static_cast<std::int32_t>(p)}, &parts[p]});
  }
}

void task::collect_rejected(pubsub::transaction& into) {
  if (dead_letters_.empty()) {
    for (const auto& r : changes_.rejected) {
      if (r.inlet >= streamlet_->plan->inlets.size()) continue;
      const auto& port = streamlet_->plan->inlets[r.inlet];
      streamlet_->where.log.warn("inlet {}, topic {}, partition {}, offset {}: {}", port.name,
                                 streamlet_->inputs[r.inlet]->topic(), partition_, r.offset.value(),
                                 r.reason);
      if (port.on_bad_record != blueprint::bad_record_policy::dead_letter) continue;
      auto& letters = dead_letters_[port.dead_letter_topic];
      letters.append(r.key, r.value);
      if (r.is_decodable)
        letters.add_header(flow::schema_header_name, streamlet_->inlet_schema_headers[r.inlet]);
      letters.add_header(header_reason, r.reason);
      letters.add_header(header_topic, streamlet_->inputs[r.inlet]->topic());
      letters.add_header(header_partition, std::to_string(partition_));
      letters.add_header(header_offset, std::to_string(r.offset.value()));
      letters.add_header(header_time, to_iso8601(time_->now()));
    }
  }
  for (const auto& [topic, letters] : dead_letters_)
    into.outputs.push_back({topic, partition_id{0}, &letters});
}

void task::committed() {
  if (!is_saved_) return;
  std::uint64_t records = 0, bytes = 0;
  for (const auto& output : changes_.outputs) {
    records += output.size();
    bytes += output.byte_size();
  }
  task_metrics::add(metrics_.records_out, records);
  task_metrics::add(metrics_.bytes_out, bytes);
  task_metrics::add(metrics_.records_rejected, changes_.rejected.size());
  task_metrics::add(metrics_.commits, 1);
  for (auto& s : sources_) {
    s->committed = s->next;
    s->position.store(s->next.value(), std::memory_order_release);
  }
  for (auto& answer : changes_.when_durable) answer();
  changes_.clear();
  is_saved_ = false;
  program_->committed();
}

void task::abandon(const std::string& reason) { fail(time_->now(), reason); }

void task::count() {
  task_metrics::add(metrics_.records_in, changes_.count.records_in);
  task_metrics::add(metrics_.records_late, changes_.count.records_late);
  changes_.count = {};
}

// -- status ------------------------------------------------------------------------------------------

task_status task::status() const {
  task_status s{.streamlet = streamlet_->plan->name,
                .partition = partition_,
                .is_running = is_running(),
                .failure = {},
                .sources = {}};
  if (!s.is_running) {
    const std::lock_guard lock{failure_mutex_};
    s.failure = failure_;
  }
  const auto read = [](const std::atomic<std::uint64_t>& n) {
    return n.load(std::memory_order_relaxed);
  };
  s.records_in = read(metrics_.records_in);
  s.records_out = read(metrics_.records_out);
  s.bytes_out = read(metrics_.bytes_out);
  s.records_late = read(metrics_.records_late);
  s.records_rejected = read(metrics_.records_rejected);
  s.commits = read(metrics_.commits);
  s.restarts = read(metrics_.restarts);
  for (const auto& from : sources_) {
    const auto& in = *streamlet_->inputs[from->inlet];
    const auto end = in.end_offset(partition_id{partition_});
    const auto position = from->position.load(std::memory_order_acquire);
    s.sources.push_back({streamlet_->plan->inlets[from->inlet].name, in.topic(), partition_,
                         position, end ? end->value() : position});
  }
  return s;
}

bool task::has_read_everything() const {
  return std::all_of(sources_.begin(), sources_.end(), [this](const auto& s) {
    const auto end = streamlet_->inputs[s->inlet]->end_offset(partition_id{partition_});
    return end && end->value() == s->position.load(std::memory_order_acquire);
  });
}

}  // namespace cloudflow::runtime
