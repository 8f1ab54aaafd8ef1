/// The records that an expand() has taken over: those that wait for their turn, and those that are
/// parked until they are tried again. Durable with the task's state.
#pragma once

#include "cloudflow/flow/boundary.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace cloudflow::detail {

/// A record that an expansion has taken over. A value type.
struct expansion_item {
  std::string record;  ///< encoded with the schema of the operator's input
  flow::kept_origin from;
  timestamp time{};           ///< the record's event time: that of all that becomes of it
  std::int64_t attempts = 0;  ///< that have failed; 0: it waits for its turn
  timestamp due{};            ///< of a parked one
  std::string key = {};       ///< of the expansion; empty until it has been asked for
  std::uint64_t id = 0;       ///< in the order in which they came
  bool is_stored = false;     ///< in the store, or will be by the commit under way

  std::string encode() const;
  /// Throws storage_failure.
  static expansion_item decode(std::uint64_t id, std::string_view bytes);
  /// For flow::origin.
  static flow::kept_origin keep(const void* from) {
    return *static_cast<const flow::kept_origin*>(from);
  }
};

/// Confined to one thread. Store: id (big-endian) -> number of the record's schema, item.
class expansion_queue {
public:
  expansion_queue(flow::changes* out, const flow::store_reader* stores, std::size_t store)
    : out_(out), stores_(stores), store_(store) {}

  /// Throws storage_failure.
  void load();
  /// Writes what waits and is not in the store.
  void save();
  void save(expansion_item& item);

  void push(expansion_item item);
  bool has_waiting() const noexcept { return !waiting_.empty(); }
  /// @pre has_waiting()
  expansion_item pop_waiting();
  /// It needs no further call: forgets it, unless it has been parked.
  void finish(const expansion_item& item);

  void park(expansion_item item);
  bool has_parked() const noexcept { return !parked_.empty(); }
  /// The first that is due and before which none of its key came: each key keeps its order.
  std::optional<expansion_item> pop_due(timestamp now);
  /// When the one is due that came before this one, with its key; none: there is none.
  std::optional<timestamp> blocked_until(const expansion_item& item) const;

private:
  expansion_item stored_item(std::uint64_t id, std::string_view stored) const;
  void put(const expansion_item& item);

  flow::changes* out_;
  const flow::store_reader* stores_;
  std::size_t store_;
  std::deque<expansion_item> waiting_, parked_;
  std::uint64_t next_id_ = 0;
};

}  // namespace cloudflow::detail
