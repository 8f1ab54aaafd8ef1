/// The boundary between a typed pipeline and the runtime that drives it. Nothing here is a template
/// over record types: batches of bytes go in with one virtual call each, changes come out.
#pragma once

#include "cloudflow/base/record.hpp"
#include "cloudflow/base/record_balance.hpp"
#include "cloudflow/base/time.hpp"
#include "cloudflow/flow/origin.hpp"
#include "cloudflow/flow/outlet_buffer.hpp"
#include "cloudflow/state/state_changes.hpp"
#include "cloudflow/state/store_reader.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflow::flow {

/// Whether an operator is done with what it was given.
///
/// `suspended`: it has taken it, but holds work. What is being handed on at this moment is taken as
/// well (the rest of a range, the other windows that fire), because nothing can be left on the
/// stack of a caller; but the chain is given no further record, and the source is not polled, until
/// `resume` answers `go_on`. What is held is part of the next commit's state: so all that was done
/// for a record before may be committed, and its position with it.
enum class [[nodiscard]] step : std::uint8_t { go_on, suspended };

constexpr step operator|(step a, step b) noexcept { return a == step::suspended ? a : b; }
constexpr step& operator|=(step& a, step b) noexcept { return a = a | b; }

/// How many records of a batch were processed, and what the last of them left.
struct run_result {
  std::size_t processed = 0;
  step result = step::go_on;
};

/// Records of one partition of one inlet, in order. `inlet` is the index of the inlet in its
/// streamlet, `topic` the one of its topics that they are of.
struct batch {
  std::size_t inlet = 0;
  std::string_view topic;
  std::int32_t partition = 0;
  std::span<const record_view> records;
};
/// The origin of a record of a batch, to keep.
kept_origin keep(const batch& b, const record_view& r);

/// The record of a batch that is on its way, as an origin: `{&at, record_call::keep}`.
struct record_call {
  const batch* records;
  const record_view* record;
  static kept_origin keep(const void* of) {
    const auto& at = *static_cast<const record_call*>(of);
    return flow::keep(*at.records, *at.record);
  }
};

/// A record (or window) that will not be processed: it goes where the policy of its origin says.
struct rejected_record {
  kept_origin from;
  std::string reason;
  bool is_decodable = true;  ///< the value is a record in the inlet's schema
};

/// What a task has to say beside its changes. Summed over tasks when somebody asks.
struct counters {
  std::uint64_t records_in = 0;
  std::uint64_t records_late = 0;  ///< dropped because their window had closed
  /// Of the windows, if it has advanced since this was read.
  timestamp watermark = timestamp::min();
};

/// Everything that one task has to make durable together with its positions. Operators write into
/// it at any time, but into `state` mostly when they are told to save. They keep the address of it
/// and of its `outputs`.
struct changes {
  std::vector<outlet_buffer> outputs;  ///< one for each outlet of the streamlet
  stores::state_changes state;
  std::vector<rejected_record> rejected;
  std::vector<std::function<void()>> when_durable;  ///< for example: answer 202 to a client
  counters count;
  /// Of what these changes come of, but for `record_way::read`, which is the task's to count.
  record_balance counted{};
  /// Of the records that an operator has taken over: the one that it works on. Null: on none. Read
  /// by the handler of a crash.
  const kept_origin* at_work = nullptr;

  std::size_t byte_size() const noexcept;
  bool empty() const noexcept;
  void clear();
  /// Moves what has to be made durable to `to`, which is empty, and takes its buffers in exchange.
  /// Pointers to the elements of `outputs` go on to be those of this one.
  void hand_over(changes& to);
};

/// Calls `each(const record_view&)`, which gives a step, for one record after the other, until the
/// batch ends, one suspends, or `must_leave` is set. What it throws becomes a `failure` of that
/// record, but for try_again and what is one already.
template <class Each>
run_result for_each_record(const batch& b, const std::atomic<bool>& must_leave, Each each) {
  run_result all;
  blame(
      [&] {
        for (const auto& r : b.records) {
          ++all.processed;
          all.result = each(r);
          if (all.result == step::suspended || must_leave.load(std::memory_order_relaxed))
              [[unlikely]]
            break;
        }
      },
      [&] { return keep(b, b.records[all.processed - 1]); });
  return all;
}

/// In the order of what counts where several sources are asked.
enum class source_status : std::uint8_t {
  ended,      ///< there will never be more
  listening,  ///< nothing there now; more comes only if somebody outside sends it
  idle,       ///< nothing there now; more will come
  produced,   ///< call again
};
struct poll_result {
  source_status status = source_status::ended;
  step result = step::go_on;
};
struct tick_result {
  bool is_waiting = false;  ///< something still waits for the clock
  step result = step::go_on;
};

/// A streamlet's logic, bound and fused. Confined to one thread. After an exception, or when its
/// changes were not committed, it is discarded and built anew.
///
/// Records go on while a commit is under way:
///
///     run ... save  run ...  committed  run ... save  run ...  committed
///             |_ the commit takes what the changes hold now, with the positions of this moment
///
/// `save()` comes again only after `committed()`. Between the two a store shows the state before
/// the commit or behind it, from one read to the next. So an operator reads nothing there that it
/// has saved since the last `committed()`: it keeps it. In `committed()` it forgets at most what it
/// has not changed since it was saved. What has changed since belongs to the next save, also where
/// it takes back what was saved. Sizes stay bounded by what changes between two commits.
///
/// After `suspended` only `resume`, `tick`, `save` and `committed` may be called until `resume`
/// answers `go_on`. All but the last two throw `failure` or `try_again`.
class operator_chain {
public:
  virtual ~operator_chain() = default;
  /// What the author's functions may refer to: it goes when all parts of the program have gone.
  void keep(std::shared_ptr<const void> what) noexcept { kept_ = std::move(what); }
  /// Reads what has to be known before the first record. Called once, first.
  virtual step load() = 0;
  /// Processes records until the batch ends, one suspends, or the executor wants the thread back.
  virtual run_result run(const batch& records) = 0;
  /// Does the next part of what is held.
  virtual step resume() = 0;
  /// Source functions: takes in what there is.
  virtual poll_result poll() = 0;
  /// Lets time pass: what waits for the clock (a retry) goes on.
  virtual tick_result tick(timestamp now) = 0;
  /// The inlet has been read to its end and has had nothing for the idle timeout: nobody need wait
  /// for its event time. Called again after each idle timeout for which that goes on.
  virtual void mark_idle(std::size_t inlet) = 0;
  /// The input has ended: the watermark jumps to the end and open windows fire.
  virtual step finish() = 0;
  /// Adds the state changed since the last save. @pre what was saved before is committed.
  virtual void save() = 0;
  /// What was saved is durable, and stores show it.
  virtual void committed() = 0;

private:
  std::shared_ptr<const void> kept_;
};

}  // namespace cloudflow::flow
