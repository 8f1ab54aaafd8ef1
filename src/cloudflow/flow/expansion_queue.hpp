/// The records that an expand() has taken over: those that wait for their turn, and those that are
/// parked until they are tried again. Durable with the task's state.
#pragma once

#include "cloudflow/flow/origin.hpp"
#include "cloudflow/state/timers.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace cloudflow::detail {

/// A record that an expansion has taken over. A value type.
struct expansion_item {
  std::string record;  ///< encoded with the schema of the operator's input
  flow::kept_origin from;
  timestamp time{};           ///< the record's event time: that of all that becomes of it
  std::int64_t attempts = 0;  ///< that have failed
  std::string key = {};       ///< of the expansion; empty until it has been asked for
  bool is_parked = false;
  std::uint64_t id = 0;    ///< in the order in which they came
  bool is_stored = false;  ///< in the store, or will be by the commit under way

  std::string encode() const;
  /// Throws storage_failure.
  static expansion_item decode(std::uint64_t id, std::string_view bytes);
  /// For flow::origin.
  static flow::kept_origin keep(const void* from) {
    return *static_cast<const flow::kept_origin*>(from);
  }
};

/// A parked record stands in the line of its key, in the order in which they came, and the first of
/// each line has a timer; one that is being tried again keeps its place.
///
/// Store: `i <id>` -> number of the record's schema, item; timers (timers.hpp) by id. Confined to
/// one thread.
class expansion_queue {
public:
  expansion_queue(stores::state_changes* out, const stores::store_reader* stores, std::size_t store)
    : out_(out), stores_(stores), store_(store), due_(out, stores, store) {}

  /// Throws storage_failure.
  void load();
  /// Writes what waits and is not in the store.
  void save();
  void save(expansion_item& item);

  void push(expansion_item item);
  bool has_waiting() const noexcept { return !waiting_.empty(); }
  /// @pre has_waiting()
  expansion_item pop_waiting();
  /// It needs no further call: forgets it and lets the next of its line go, unless it has been
  /// parked.
  void finish(const expansion_item& item);

  /// `due`: when it is tried again, if it is the first of its line.
  void park(const expansion_item& item, timestamp due);
  bool has_parked() const noexcept { return !parked_.empty(); }
  /// The first that is due; none: nothing is.
  std::optional<expansion_item> pop_due(timestamp now);
  /// One with its key came before it and is not done yet.
  bool is_behind_another(const expansion_item& item) const;

private:
  struct parked_item {
    expansion_item item;
    timestamp due{};  ///< when its timer is due, or was last
    timer_note timer{};
    std::int64_t key() const noexcept { return static_cast<std::int64_t>(item.id); }
  };

  expansion_item stored_item(std::uint64_t id, std::string_view stored) const;
  void put(const expansion_item& item);
  void set_timer(parked_item& parked, timestamp due);

  stores::state_changes* out_;
  const stores::store_reader* stores_;
  std::size_t store_;
  std::deque<expansion_item> waiting_;
  std::map<std::uint64_t, parked_item> parked_;
  std::unordered_map<std::string, std::deque<std::uint64_t>> lines_;  // by key
  timers<parked_item> due_;
  std::uint64_t next_id_ = 0;
};

}  // namespace cloudflow::detail
