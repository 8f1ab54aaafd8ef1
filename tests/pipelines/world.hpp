/// What the model keeps while it goes through the rows.
#pragma once

#include "model.hpp"

#include <deque>
#include <limits>

namespace cloudflow::pipelines {

using chain = std::vector<op>;
constexpr auto beginning_of_time = std::numeric_limits<std::int64_t>::min();

enum class origin_kind { inlet, window, source };

/// Who is to blame for what happens.
struct origin {
  std::int32_t partition = 0;
  std::string letter;  ///< how its dead letter is called
  origin_kind what = origin_kind::inlet;
  std::size_t number = 0;  ///< of a source's record
};

/// A row on its way.
struct live {
  row what;
  std::int64_t time = 0;  ///< its event time
  bool has_trace = true;
};

struct place {
  const chain* ops;
  std::size_t at;
  const op& it() const { return (*ops)[at]; }
  bool is_end() const { return at == ops->size(); }
  place next() const { return {ops, at + 1}; }
};

struct moved_row {
  place to;
  live x;
  std::int32_t partition;
};
struct parked_row {
  place at;
  live x;
  origin from;
  int attempts;
};
struct window {
  total value;
  bool has_trace = true;
  bool must_fire = true;
};
using window_id = std::pair<std::int64_t, std::string>;  // start, key

/// All that is undone when a record fails.
struct world {
  expectation seen;
  std::map<int, std::map<std::string, std::pair<total, bool>>> totals;  // by stage
  std::map<int, std::set<std::string>> known;
  std::map<int, std::map<std::string, std::int64_t>> progress;
  std::map<int, std::map<window_id, window>> windows;
  std::map<int, std::int64_t> watermarks;  // of windows
  std::map<int, std::int64_t> clocks;      // of event times
  std::deque<moved_row> moved;
  std::deque<parked_row> waiting, parked;
  /// Of expansions, while they hold rows: how many, and the watermark that may not overtake them.
  std::map<int, std::size_t> holding;
  std::map<int, std::int64_t> held_watermarks;
};

}  // namespace cloudflow::pipelines
