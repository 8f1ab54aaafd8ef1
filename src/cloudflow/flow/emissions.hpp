/// What a source emits, and what becomes of it until it is durable.
#pragma once

#include "cloudflow/flow/boundary.hpp"
#include "cloudflow/flow/origin.hpp"
#include "cloudflow/flow/source_registry.hpp"
#include "cloudflow/schema/codec.hpp"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflow {

struct refusal {
  std::string_view reason;
  flow::failure_cause cause;
};

/// Who waits for records that a source emits. Destroyed without a call: they are not stored,
/// because the process ends or the source has failed; or nobody knows, and there is no
/// `when_unknown`.
struct acknowledgement {
  /// The records are durable, and so is all that became of them. Runs on the worker.
  std::function<void()> when_durable = {};
  /// The author's code threw for one of them, or the topic of an outlet does not take it: none of
  /// them is stored. Without it the record alone is left out, and becomes a dead letter. Runs on
  /// the worker.
  std::function<void(const refusal&)> when_refused = {};
  /// Nobody knows whether all of them are durable: the commit's answer has been lost, or some were
  /// durable when another one was refused (behind expand(), which commits in between). Runs on the
  /// worker.
  std::function<void()> when_unknown = {};
};

/// Where a source puts its records.
template <class T>
class emitter {
public:
  void operator()(T record) { records_.push_back(std::move(record)); }
  /// `when_durable` runs after the commit that holds the record, on the worker: the place to answer
  /// a client.
  void operator()(T record, std::function<void()> when_durable) {
    records_.push_back(std::move(record));
    acknowledge({.when_durable = std::move(when_durable)});
  }
  /// For all records since the last acknowledgement, maybe none: where there is a `when_refused`,
  /// one is refused and all are.
  void acknowledge(acknowledgement a) { groups_.push_back({records_.size(), std::move(a)}); }

  // -- used by the library and by tests ---
  struct group {
    std::size_t end;  ///< how many records there are up to here
    acknowledgement answer;
  };
  std::vector<T>& records() noexcept { return records_; }
  std::vector<group>& groups() noexcept { return groups_; }
  /// Each record that nobody waits for is a group of its own.
  void close() {
    auto end = groups_.empty() ? std::size_t{0} : groups_.back().end;
    while (end != records_.size()) groups_.push_back({++end, {}});
  }
  void clear() noexcept {
    records_.clear();
    groups_.clear();
  }

private:
  std::vector<T> records_;
  std::vector<group> groups_;
};

/// Something that records come from besides inlets: a server, a clock, a generator. One task polls
/// it; what other threads bring waits inside, bounded. It stays when the pipeline is built anew
/// after a failure of the author's code; it is made anew when it has thrown itself.
template <class T>
class source {
public:
  virtual ~source() = default;
  /// Called before the first poll. `wake` may be called from any thread when there is something to
  /// poll.
  virtual void open([[maybe_unused]] std::function<void()> wake) {}
  /// Emits what there is, some thousand records at most, and does not block. `--until-idle` waits
  /// for `ended`, or for `listening` of a source that only others can bring more to.
  virtual flow::source_status poll(emitter<T>& emit) = 0;
};

namespace detail {

/// A source and what it has emitted that is not committed. Records are numbered from 0 in the order
/// in which they come; groups are those of the emitter.
///
///     durable <= saved <= next <= end      records: committed, in the commit under way, processed
template <class T>
class emissions final : public flow::source_memory {
public:
  explicit emissions(std::shared_ptr<source<T>> from) : from_(std::move(from)) {}

  bool has_next() const noexcept { return next_ != first_ + records_.size(); }
  /// Asks the source for more. Throws source_failure for what it throws. @pre !has_next()
  flow::source_status poll() {
    const auto status = ask();
    emit_.close();
    const auto begin = first_ + records_.size();
    for (auto& r : emit_.records()) records_.push_back(std::move(r));
    for (auto& g : emit_.groups()) groups_.push_back({begin + g.end, std::move(g.answer)});
    emit_.clear();
    go_to(next_);
    return status;
  }
  std::uint64_t number() const noexcept { return next_; }
  const T& record() const { return records_[next_ - first_]; }
  void advance() noexcept { go_to(next_ + 1); }
  /// Where the group of the record ends.
  std::uint64_t end_of_group() const noexcept { return groups_[group_].end; }

  /// The group is refused or stored as a whole: whoever waits for it can be told, and nothing of it
  /// is durable.
  bool is_atomic() const noexcept {
    const auto& g = groups_[group_];
    return (g.answer.when_refused || g.is_refused) && durable_ <= begin_of(group_);
  }
  /// Leaves out the group, and tells whoever waits for it. @pre is_atomic()
  void refuse_group(const refusal& why) {
    auto& g = groups_[group_];
    go_to(g.end);
    if (g.answer.when_refused) g.answer.when_refused(why);
    g.is_refused = true;
    g.answer = {};
  }
  /// Leaves out the record alone. @pre !is_atomic()
  void leave_out_record() {
    auto& g = groups_[group_];
    g.is_torn |= static_cast<bool>(g.answer.when_refused);
    advance();
  }
  /// All that has been processed is done: acknowledges it with the next commit.
  void acknowledge(std::vector<std::function<void()>>& when_durable) {
    for (; acknowledged_ != groups_.size() && groups_[acknowledged_].end <= next_;
         ++acknowledged_) {
      const auto& g = groups_[acknowledged_];
      if (const auto& tell = g.is_torn ? g.answer.when_unknown : g.answer.when_durable)
        when_durable.push_back(tell);
    }
  }

  void saved() override {
    saved_ = next_;
    saved_groups_ = acknowledged_;
  }
  void committed() override {
    durable_ = saved_;
    for (; first_ != durable_; ++first_) records_.pop_front();
    for (; saved_groups_ != 0; --saved_groups_, --acknowledged_, --group_) {
      first_of_groups_ = groups_.front().end;
      groups_.pop_front();
    }
  }
  void unknown() override {
    for (std::size_t i = 0; i != saved_groups_; ++i)
      if (const auto& tell = groups_[i].answer.when_unknown) tell();
    // Of those that were not answered with it, because an operator still holds a record.
    for (auto i = saved_groups_; i != groups_.size() && begin_of(i) < saved_; ++i)
      groups_[i].is_torn |= durable_ < std::min(groups_[i].end, saved_);
    committed();
  }
  void dropped() override {
    saved_ = durable_;
    acknowledged_ = saved_groups_ = group_ = 0;
    go_to(durable_);
  }

private:
  struct group {
    std::uint64_t end;
    acknowledgement answer;
    bool is_refused = false;  ///< whoever waited for it has been told
    /// A part was durable when a record of it was refused, or is of a commit whose outcome is
    /// unknown.
    bool is_torn = false;
  };
  std::uint64_t begin_of(std::size_t index) const noexcept {
    return index == 0 ? first_of_groups_ : groups_[index - 1].end;
  }
  /// What a source has emitted before it throws is committed first: it is not to blame for that.
  flow::source_status ask() {
    if (!failure_) try {
        return from_->poll(emit_);
      } catch (...) {
        failure_ = flow::current_exception_text();
        emit_.clear();
      }
    if (records_.empty()) throw flow::source_failure(*failure_);
    return flow::source_status::idle;
  }
  void go_to(std::uint64_t number) noexcept {
    next_ = number;
    while (group_ != groups_.size() && groups_[group_].end <= next_) ++group_;
  }

  std::shared_ptr<source<T>> from_;
  emitter<T> emit_;
  std::deque<T> records_;
  std::deque<group> groups_;
  std::optional<std::string> failure_;  ///< why the source has to be made anew
  std::uint64_t first_ = 0;             ///< number of the first of `records_`
  std::uint64_t first_of_groups_ = 0;   ///< that of the first of `groups_`
  std::uint64_t durable_ = 0, saved_ = 0, next_ = 0;
  std::size_t group_ = 0;                            ///< index of the group of `next_`
  std::size_t acknowledged_ = 0, saved_groups_ = 0;  ///< how many of `groups_`
};

}  // namespace detail
}  // namespace cloudflow
