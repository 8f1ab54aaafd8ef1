#include "cloudflow/pubsub/embedded/internal/committer.hpp"

#include "cloudflow/pubsub/embedded/internal/recovery.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace cloudflow::pubsub::embedded {
namespace {

// Transactions written together: bounds how long the first of them waits for the last.
constexpr std::size_t group_bytes = 16 * 1024 * 1024;
// One transaction is held in memory three times while it is written.
constexpr std::size_t max_transaction_bytes = 1024 * 1024 * 1024;

std::size_t size_of(const transaction& changes) {
  std::size_t bytes = 0;
  for (const auto& output : changes.outputs) bytes += output.records->byte_size();
  for (const auto& change : changes.state)
    bytes += change.store.size() + change.key.size() + (change.value ? change.value->size() : 0);
  for (const auto& position : changes.positions)
    bytes += position.group.size() + position.topic.size() + sizeof position.next;
  return bytes;
}

/// Tells transactions of one owner apart; only where one has failed, so it may take its time.
std::size_t hash_of(const transaction& changes) {
  byte_writer all;
  for (const auto& output : changes.outputs) {
    all.put_text(output.topic);
    all.put_long(output.partition.value());
    all.put_text(output.records->bytes());
  }
  for (const auto& change : changes.state) {
    put_state_key(all, change.store, change.partition, change.key);
    all.put_text(change.value.value_or(std::string_view{}));
  }
  for (const auto& position : changes.positions) {
    put_position_key(all, position.group, position.topic, position.partition);
    put_offset(all, position.next);
  }
  return std::hash<std::string_view>{}(all.view());
}

std::size_t record_size(const record_buffer::entry& e) {
  return static_cast<std::size_t>(std::max(e.key_size, 0)) +
         static_cast<std::size_t>(std::max(e.value_size, 0)) + e.header_bytes;
}

result<void> check_sizes(const output& wanted, std::size_t limit) {
  if (wanted.records->byte_size() <= limit) return {};
  for (const auto& e : wanted.records->entries()) {
    if (record_size(e) <= limit) continue;
    return error{errc::record_too_large,
                 fmt::format("Topic {}: a record of {} bytes is larger than max.message.bytes = "
                             "{}. Raise that property of the topic, or write smaller records.",
                             wanted.topic, record_size(e), limit)};
  }
  return {};
}

}  // namespace

committer::committer(const options& wanted, storage& disk, topic_table& topics, const clock& time)
  : options_(wanted), disk_(disk), topics_(topics), time_(time), budget_(wanted, disk, topics) {}

committer::identity committer::acquire(const std::string& transactional_id) {
  std::unique_lock lock{mutex_};
  const auto epoch = ++epochs_[transactional_id];
  const auto seen = writes_;
  changed_.wait(lock, [&] { return !is_writing_ || writes_ != seen; });
  return {transactional_id, epoch};
}

result<void> committer::commit(identity& owner, const transaction& changes) {
  if (changes.empty()) return {};
  pending mine{.owner = &owner, .changes = &changes, .outputs = {}, .failure = {}};
  CLOUDFLOW_TRY(prepare(mine));
  std::unique_lock lock{mutex_};
  queue_.push_back(&mine);
  changed_.wait(lock, [&] { return mine.is_done || (!is_writing_ && queue_.front() == &mine); });
  if (!mine.is_done) {
    lead(lock);
  } else {
    lock.unlock();
  }
  if (mine.failure) return *std::move(mine.failure);
  return {};
}

// -- of each producer -----------------------------------------------------------------------------

result<void> committer::prepare(pending& mine) const {
  mine.bytes = size_of(*mine.changes);
  if (mine.bytes > max_transaction_bytes)
    return error{errc::record_too_large,
                 fmt::format("A transaction of {} bytes is larger than {}. Commit more often.",
                             mine.bytes, max_transaction_bytes)};
  return prepare_outputs(mine);
}

result<void> committer::prepare_outputs(pending& mine) const {
  std::map<partition_log*, std::vector<const record_buffer*>> parts;
  for (const auto& wanted : mine.changes->outputs) {
    auto* topic = topics_.find(wanted.topic);
    if (topic == nullptr || !topic->has(wanted.partition))
      return error{errc::topic_not_found, fmt::format("There is no topic {} with a partition {}.",
                                                      wanted.topic, wanted.partition.value())};
    CLOUDFLOW_TRY(check_sizes(wanted, topic->rules().max_record));
    if (wanted.records->empty()) continue;
    auto& buffers = parts[&topic->partition(wanted.partition)];
    if (buffers.empty()) mine.outputs.push_back({&topic->partition(wanted.partition), topic, {}});
    buffers.push_back(wanted.records);
  }
  for (auto& output : mine.outputs)
    output.batch = std::make_shared<stored_batch>(parts[output.partition]);
  return {};
}

// -- of the one that leads ------------------------------------------------------------------------

void committer::lead(std::unique_lock<std::mutex>& lock) {
  is_writing_ = true;
  lock.unlock();
  const auto resumed = revive_alone();
  lock.lock();
  auto group = take_group(resumed);
  lock.unlock();
  const auto topics = lead_group(group);
  lock.lock();
  for (auto* each : group) each->is_done = true;
  is_writing_ = false;
  ++writes_;
  lock.unlock();
  changed_.notify_all();
  for (const auto* topic : topics) topic->wake_members();
}

std::vector<topic_state*> committer::lead_group(const std::vector<pending*>& group) {
  if (group.empty()) return {};
  if (const auto written = write(group); !written) {
    fail(group, written.error());
    return {};
  }
  return publish(group);
}

void committer::fail(const std::vector<pending*>& group, const write_failure& failure) {
  for (auto* each : group) {
    each->failure = failure.why;
    if (failure.unresolved)
      each->owner->unresolved = {.failure = *failure.unresolved, .hash = hash_of(*each->changes)};
  }
}

// -- others that write ----------------------------------------------------------------------------

template <class F>
auto committer::alone(F&& f) {
  std::unique_lock lock{mutex_};
  changed_.wait(lock, [&] { return !is_writing_; });
  is_writing_ = true;
  lock.unlock();
  auto done = f();
  lock.lock();
  is_writing_ = false;
  ++writes_;
  lock.unlock();
  changed_.notify_all();
  return done;
}

result<void> committer::write_alone(write_set& changes) {
  return alone([&]() -> result<void> {
    CLOUDFLOW_TRY(revive_alone());
    auto written = disk_.write(changes, /*sync=*/true);
    if (!written) return std::move(written).error().why;
    return {};
  });
}

result<void> committer::resume_parked() {
  return alone([&] { return revive_alone(); });
}

result<void> committer::revive_alone() {
  if (is_stale_) {
    // The log was opened again, but what is known of its topics is still from before.
    CLOUDFLOW_TRY(recover_again(disk_, options_, topics_));
    is_stale_ = false;
  }
  const auto resumed = CLOUDFLOW_TRY(disk_.resume_parked());
  if (resumed == storage::condition::unchanged) return {};
  tail_order_.clear();
  tail_bytes_ = 0;
  is_stale_ = true;
  CLOUDFLOW_TRY(recover_again(disk_, options_, topics_));
  is_stale_ = false;
  return {};
}

// -- of the one that leads ------------------------------------------------------------------------

std::vector<committer::pending*> committer::take_group(const result<void>& resumed) {
  std::vector<pending*> group;
  std::size_t bytes = 0;
  while (!queue_.empty() && (group.empty() || bytes + queue_.front()->bytes <= group_bytes)) {
    auto* next = queue_.front();
    queue_.pop_front();
    if (resumed)
      next->failure = refusal(*next);
    else
      next->failure = resumed.error();
    if (next->failure || is_in_already(*next)) {
      next->is_done = true;
      continue;
    }
    group.push_back(next);
    bytes += next->bytes;
  }
  return group;
}

/// @pre nothing is unresolved any more
bool committer::is_in_already(pending& candidate) {
  const auto before = std::exchange(candidate.owner->unresolved, std::nullopt);
  return before && disk_.is_in(before->failure) && before->hash == hash_of(*candidate.changes);
}

std::optional<error> committer::refusal(const pending& candidate) {
  const auto& owner = *candidate.owner;
  if (const auto epoch = epochs_.find(owner.id); epoch->second != owner.epoch)
    return error{errc::fenced,
                 fmt::format("The transactional id {} has another owner now.", owner.id)};
  // What only moves on is what makes room.
  if (candidate.outputs.empty() && !candidate.changes->positions.empty()) return {};
  return budget_.reserve(candidate.bytes, !candidate.changes->positions.empty());
}

cloudflow::result<void, write_failure> committer::write(const std::vector<pending*>& group) {
  changes_.clear();
  staged_.clear();
  const auto now = time_.now();
  std::uint64_t records = 0;
  for (auto* each : group) {
    for (auto& output : each->outputs) {
      place(output, now);
      records += static_cast<std::uint64_t>(output.batch->header().count);
    }
    put_changes(*each->changes);
  }
  return disk_.write(changes_, options_.sync_commits, records);
}

void committer::place(prepared_output& output, timestamp now) {
  const auto [at, is_new] = staged_.try_emplace(output.partition);
  auto& end = at->second;
  if (is_new) end = output.partition->end();
  output.batch->place(end.offset, now, end.latest, end.bytes);
  end = {output.batch->end(), end.bytes + output.batch->bytes().size(),
         output.batch->header().latest};
  changes_.put(family::records, batch_key(output.partition->key(), output.batch->base()),
               output.batch->bytes());
}

void committer::put_changes(const transaction& changes) {
  for (const auto& change : changes.state) {
    key_.clear();
    put_state_key(key_, change.store, change.partition, change.key);
    if (change.value)
      changes_.put(family::state, key_.view(), *change.value);
    else
      changes_.erase(family::state, key_.view());
  }
  for (const auto& position : changes.positions) {
    key_.clear();
    put_position_key(key_, position.group, position.topic, position.partition);
    value_.clear();
    put_offset(value_, position.next);
    changes_.put(family::positions, key_.view(), value_.view());
  }
}

std::vector<topic_state*> committer::publish(const std::vector<pending*>& group) {
  std::vector<topic_state*> written;
  for (auto* each : group) {
    for (auto& output : each->outputs) {
      output.partition->publish(output.batch);
      tail_bytes_ += output.batch->bytes().size();
      tail_order_.emplace_back(output.partition, output.batch->bytes().size());
      if (std::find(written.begin(), written.end(), output.topic) == written.end())
        written.push_back(output.topic);
    }
    note_positions(*each->changes);
  }
  for (; tail_bytes_ > options_.tail_bytes; tail_order_.pop_front()) {
    tail_order_.front().first->shrink_tail();
    tail_bytes_ -= tail_order_.front().second;
  }
  return written;
}

void committer::note_positions(const transaction& changes) {
  for (const auto& position : changes.positions) {
    auto* topic = topics_.find(position.topic);
    if (topic != nullptr && topic->has(position.partition))
      topic->note_reader(position.group, position.partition, position.next);
  }
}

}  // namespace cloudflow::pubsub::embedded
