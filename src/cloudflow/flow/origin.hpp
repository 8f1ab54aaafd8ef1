/// Where a record comes from, who is to blame when it cannot be processed, and what is known to be
/// bad.
#pragma once

#include "cloudflow/base/record.hpp"
#include "cloudflow/base/try_again.hpp"

#include <cstdint>
#include <map>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflow::flow {

enum class origin_kind : std::uint8_t {
  inlet,   ///< a record of a topic
  source,  ///< a record that an author's source has emitted
  window,  ///< a window that fires, or is updated by a late record
};

/// An origin that outlives the record: a value. What of it is empty depends on the kind.
struct kept_origin {
  origin_kind what = origin_kind::inlet;
  /// Number of the inlet, of the source, or of the store of the window.
  std::size_t index = 0;
  std::string topic = {};  ///< of an inlet
  std::int32_t partition = 0;
  /// Of the record in its partition; of a source, how many it had emitted up to the end of the
  /// group (see emitter).
  record_offset offset{};
  /// As it came; of a window, the text of its key. None: the record has no key.
  std::optional<std::string> key = {};
  /// As it came; of a window or a source, encoded with its own schema. None: a tombstone.
  std::optional<std::string> value = {};
  std::vector<std::pair<std::string, std::string>> headers = {};  ///< of an inlet, as they came
  timestamp time{};                   ///< of the record in its topic; of a window, its start
  timestamp end{};                    ///< of a window
  std::string_view schema_text = {};  ///< of the value of a source's record; static

  /// Tells it from every other of the task. Of a window it holds the value: an update is another.
  std::string identity() const;
  /// For messages: `inlet in, topic t, partition 0, offset 3` without the names of members.
  std::string describe() const;
};
/// Appended to a store; decode_origin() reads it back.
void encode(const kept_origin& o, byte_writer& to);
/// `in.ok()` is false if the bytes are not what encode() wrote.
kept_origin decode_origin(byte_reader& in);

/// The origin of the record that is on its way: what it refers to lives as long as the call. A
/// value type; "none" does not exist.
class origin {
public:
  using keep_function = kept_origin (*)(const void* of);
  origin(const void* of, keep_function copy) noexcept : of_(of), keep_(copy) {}
  kept_origin keep() const { return keep_(of_); }

private:
  const void* of_;
  keep_function keep_;
};

/// What an outlet says of a record that its topic does not take.
struct record_too_large : std::length_error {
  using std::length_error::length_error;
};

enum class failure_cause : std::uint8_t {
  code,              ///< what the author's code threw
  out_of_memory,     ///< another record may have taken the memory
  record_too_large,  ///< for the topic of an outlet
};

/// What an author's code threw, and for whom. Made at the boundary that called the code: an inlet's
/// or a source's record, a window, a part of an expansion.
struct failure : std::exception {
  failure(kept_origin who, std::string what_was_called, std::string why, failure_cause what)
    : from(std::move(who)), call(std::move(what_was_called)), reason(std::move(why)), cause(what) {}
  const char* what() const noexcept override { return reason.c_str(); }

  kept_origin from;
  /// Tells this call from others of the same origin: the record and the state of a part. Empty for
  /// the record itself.
  std::string call;
  std::string reason;
  failure_cause cause;
};

/// A source has failed itself, and has to be made anew.
struct source_failure : try_again {
  using try_again::try_again;
};

/// What an exception says, whatever its type. @pre inside of a catch block.
std::string current_exception_text();

/// Calls `f` on behalf of `from`: what it throws becomes a `failure`, but for `try_again` and what
/// is one already. `who` gives the kept_origin, `call` the text that tells calls apart.
template <class F, class Who, class Call>
decltype(auto) blame(F&& f, Who&& who, Call&& call) {
  try {
    return f();
  } catch (const failure&) {
    throw;
  } catch (const try_again&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw failure(who(), call(), "out of memory", failure_cause::out_of_memory);
  } catch (const record_too_large& e) {
    throw failure(who(), call(), e.what(), failure_cause::record_too_large);
  } catch (...) {
    throw failure(who(), call(), current_exception_text(), failure_cause::code);
  }
}
template <class F, class Who>
decltype(auto) blame(F&& f, Who&& who) {
  return blame(std::forward<F>(f), std::forward<Who>(who), [] { return std::string{}; });
}

/// Calls that have failed since the last commit: in the replay they are not made, and their origin
/// becomes a dead letter instead. Owned by the task, read by the operators. Confined to one thread.
class quarantine {
public:
  bool empty() const noexcept { return calls_.empty(); }
  struct bad_call {
    std::string reason;
    failure_cause cause;
  };
  void add(const failure& f) {
    calls_.insert_or_assign(key(f.from, f.call), entry{{f.reason, f.cause}});
  }
  /// No call of that origin is made any more.
  void add(const kept_origin& from, std::string reason) {
    calls_.insert_or_assign(from.identity(), entry{{std::move(reason), failure_cause::code}});
  }
  /// Null: the call may be made. Otherwise the caller leaves it out, and rejects its origin.
  const bad_call* find(const kept_origin& from, std::string_view call) const {
    auto found = calls_.find(key(from, call));
    if (found == calls_.end()) found = calls_.find(from.identity());
    if (found == calls_.end()) return nullptr;
    found->second.was_left_out = true;
    return &found->second.call;
  }
  /// A commit begins: it holds what was left out so far.
  void saved() noexcept {
    for (auto& [id, e] : calls_) e.is_in_commit = e.was_left_out;
  }
  void committed() {
    std::erase_if(calls_, [](const auto& c) { return c.second.is_in_commit; });
  }
  /// What is not committed was dropped: it will come again.
  void dropped() noexcept {
    for (auto& [id, e] : calls_) e.was_left_out = e.is_in_commit = false;
  }
  void clear() noexcept { calls_.clear(); }

private:
  struct entry {
    bad_call call;
    mutable bool was_left_out = false;
    bool is_in_commit = false;
  };
  static std::string key(const kept_origin& from, std::string_view call) {
    auto id = from.identity();
    id += '\n';
    id += call;
    return id;
  }
  std::map<std::string, entry> calls_;
};

}  // namespace cloudflow::flow
