#include "cloudflow/pubsub/embedded/internal/committer.hpp"

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
                             wanted.topic, record_size(e), limit),
                 false, false};
  }
  return {};
}

}  // namespace

committer::committer(const options& wanted, storage& disk, topic_table& topics, const clock& time)
  : options_(wanted),
    disk_(disk),
    topics_(topics),
    time_(time),
    budget_(wanted, disk, topics),
    changes_(disk.new_write_set()) {}

committer::identity committer::acquire(const std::string& transactional_id) {
  std::unique_lock lock{mutex_};
  const auto epoch = ++epochs_[transactional_id];
  const auto seen = writes_;
  changed_.wait(lock, [&] { return !is_writing_ || writes_ != seen; });
  return {transactional_id, epoch};
}

result<void> committer::commit(const identity& owner, const transaction& changes) {
  if (changes.empty()) return {};
  pending mine{.owner = &owner, .changes = &changes, .outputs = {}, .failure = {}};
  if (auto prepared = prepare(mine); !prepared) return prepared;
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

// -- of each producer --------------------------------------------------------------------------------

result<void> committer::prepare(pending& mine) const {
  mine.bytes = size_of(*mine.changes);
  if (mine.bytes > max_transaction_bytes)
    return error{errc::record_too_large,
                 fmt::format("A transaction of {} bytes is larger than {}. Commit more often.",
                             mine.bytes, max_transaction_bytes),
                 false, false};
  return prepare_outputs(mine);
}

result<void> committer::prepare_outputs(pending& mine) const {
  std::map<partition_log*, std::vector<const record_buffer*>> parts;
  for (const auto& wanted : mine.changes->outputs) {
    auto* topic = topics_.find(wanted.topic);
    if (topic == nullptr || !topic->has(wanted.partition))
      return error{errc::topic_not_found,
                   fmt::format("There is no topic {} with a partition {}.", wanted.topic,
                               wanted.partition.value()),
                   false, false};
    if (auto checked = check_sizes(wanted, topic->rules().max_record); !checked) return checked;
    if (wanted.records->empty()) continue;
    auto& buffers = parts[&topic->partition(wanted.partition)];
    if (buffers.empty()) mine.outputs.push_back({&topic->partition(wanted.partition), topic, {}});
    buffers.push_back(wanted.records);
  }
  for (auto& output : mine.outputs)
    output.batch = std::make_shared<stored_batch>(parts[output.partition]);
  return {};
}

// -- of the one that leads ---------------------------------------------------------------------------

void committer::lead(std::unique_lock<std::mutex>& lock) {
  is_writing_ = true;
  const auto group = take_group();
  lock.unlock();
  const auto written = group.empty() ? result<void>{} : write(group);
  const auto topics = written ? publish(group) : std::vector<topic_state*>{};
  lock.lock();
  for (auto* each : group) {
    if (!written) each->failure = written.error();
    each->is_done = true;
  }
  if (!written && written.error().fatal) fatal_ = written.error();
  is_writing_ = false;
  ++writes_;
  lock.unlock();
  changed_.notify_all();
  for (const auto* topic : topics) topic->wake_members();
}

std::vector<committer::pending*> committer::take_group() {
  std::vector<pending*> group;
  std::size_t bytes = 0;
  while (!queue_.empty() && (group.empty() || bytes + queue_.front()->bytes <= group_bytes)) {
    auto* next = queue_.front();
    queue_.pop_front();
    next->failure = refusal(*next);
    if (next->failure) {
      next->is_done = true;
      continue;
    }
    group.push_back(next);
    bytes += next->bytes;
  }
  return group;
}

std::optional<error> committer::refusal(const pending& candidate) {
  if (fatal_) return fatal_;
  const auto& owner = *candidate.owner;
  if (const auto epoch = epochs_.find(owner.id); epoch->second != owner.epoch)
    return error{errc::fenced,
                 fmt::format("The transactional id {} has another owner now.", owner.id), false,
                 true};
  // What only moves on is what makes room.
  if (candidate.outputs.empty() && !candidate.changes->positions.empty()) return {};
  return budget_.reserve(candidate.bytes, !candidate.changes->positions.empty());
}

result<void> committer::write(const std::vector<pending*>& group) {
  changes_.clear();
  staged_.clear();
  const auto now = time_.now();
  for (auto* each : group) {
    for (auto& output : each->outputs) place(output, now);
    put_changes(*each->changes);
  }
  return disk_.write(changes_, options_.sync_commits);
}

void committer::place(prepared_output& output, timestamp now) {
  const auto [at, is_new] = staged_.try_emplace(output.partition);
  auto& end = at->second;
  if (is_new) end = output.partition->end();
  output.batch->place(end.offset, now, end.bytes);
  end = {output.batch->end(), end.bytes + output.batch->bytes().size()};
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
