/// What has to come out of a pipeline, computed over lists, without operators, batches, partitions'
/// tasks, commits or kills.
#pragma once

#include "pipeline.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace cloudflow::pipelines {

enum class policy { dead_letter, skip, fail };

struct input_record {
  row what;
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  bool is_garbage = false;
};

/// Of a run, as far as what comes out depends on it.
struct circumstances {
  std::int32_t partitions = 1;
  policy on_bad_record = policy::dead_letter;
  run_settings settings;
};

struct expected_row {
  row what;
  bool has_trace = true;  ///< else the order in which rows came is not known
};
struct expected_outlet {
  std::vector<expected_row> rows;
  bool is_ordered = true;  ///< the rows of each key
};

struct expectation {
  std::map<std::string, expected_outlet> outlets;
  /// `in/<partition>/<offset> <id>`, `moved`, `<state>/<window>`, `source/<id>`.
  std::vector<std::string> letters;
  std::set<std::string> effects;           ///< at least once
  std::set<std::string> possible_effects;  ///< perhaps: what failed later was begun
  /// Of folds: key -> `count sum`; of distinct: key -> ``.
  std::map<std::string, std::map<std::string, std::string>> states;
  std::set<std::size_t> refused;  ///< of a source's: whoever waits for them gets no answer
  bool has_stopped = false;       ///< the policy is `fail`: any beginning of the rows is right
};

/// The streamlet's name for what a fold or a distinct keeps.
inline std::string state_of(const op& o) {
  return o.port.empty() ? "s" + std::to_string(o.stage) : o.port;
}
inline std::string window_state_of(const op& o) {
  const auto colon = o.port.find(':');
  if (colon != std::string::npos) return o.port.substr(colon + 1);
  return o.port.empty() || o.port.starts_with("late-") ? "s" + std::to_string(o.stage) : o.port;
}
/// Whether rows of a key can get out of their order before a window has them.
bool can_park(const pipeline& p, const std::vector<input_record>& input);

/// A wrong model: what is planted to see that the comparison finds it. `none` is right.
enum class mistake {
  none,
  drops_last_part,  ///< of an expansion
  doubles_a_part,
  forgets_retries,  ///< what is parked is never processed
  keeps_all,        ///< filters let everything through
  forgets_letters,  ///< every third dead letter
  blames_next_record,
  forgets_windows,  ///< the last one of each key
  fires_twice,
  counts_late_rows,
  knows_nobody,         ///< distinct lets all through
  half_a_record_stays,  ///< of one that fails
  loses_state,          ///< a fold begins again with its tenth row
  swaps_branches,
  knows_no_limit,   ///< outlets take records of any size
  answers_refused,  ///< the client of a record that fails gets an answer
};
std::optional<mistake> mistake_of(std::string_view name);
const std::vector<std::string>& mistake_names();
mistake& planted();

expectation model_of(const pipeline& p, const std::vector<input_record>& input,
                     const circumstances& c);

}  // namespace cloudflow::pipelines
