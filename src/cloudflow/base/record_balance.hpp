/// Where the records of a streamlet come from and where they go, counted where it happens, with
/// each commit: what has come in has gone somewhere, or was lost.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace cloudflow {

/// What is counted. The first `ways_in` are ways in, the others are ways out.
enum class record_way : std::uint8_t {
  read,           ///< from an inlet, or from a topic of repartitioned records
  emitted,        ///< by a source of the author's
  expanded_into,  ///< what flat_map() and expand() have made of records
  fired,          ///< results of windows

  delivered,  ///< to an outlet or a function
  filtered,
  kept,       ///< in a window
  late,       ///< their window had closed: dropped, or delivered to the outlet for it
  duplicate,  ///< dropped by distinct()
  expanded,   ///< by flat_map() and expand(), into any number of records
  moved,      ///< to the task of their key, through a topic of repartitioned records
  mark,       ///< in such a topic, about the time of those who write to it
  handled,    ///< errors that went to a function or an outlet
  rejected,   ///< dead letters, or skipped
};
inline constexpr std::array<std::string_view, 14> record_way_names{
    "read", "emitted",   "expanded-into", "fired", "delivered", "filtered", "kept",
    "late", "duplicate", "expanded",      "moved", "mark",      "handled",  "rejected"};
inline constexpr std::size_t ways_in = 4;

/// A value.
struct record_balance {
  std::array<std::uint64_t, record_way_names.size()> counts{};

  std::uint64_t& operator[](record_way w) noexcept { return counts[static_cast<std::size_t>(w)]; }
  std::uint64_t operator[](record_way w) const noexcept {
    return counts[static_cast<std::size_t>(w)];
  }
  record_balance& operator+=(const record_balance& more) noexcept {
    for (std::size_t i = 0; i != counts.size(); ++i) counts[i] += more.counts[i];
    return *this;
  }
  /// Records that have come in and gone nowhere; below zero: that have gone and never came.
  std::int64_t missing() const noexcept {
    std::uint64_t difference = 0;  // wraps round, and back
    for (std::size_t i = 0; i != counts.size(); ++i)
      difference += i < ways_in ? counts[i] : -counts[i];
    return static_cast<std::int64_t>(difference);
  }
  bool operator==(const record_balance&) const = default;
};

}  // namespace cloudflow
