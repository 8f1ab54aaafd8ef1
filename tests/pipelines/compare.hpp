/// What came out of a run, and how it differs from the model.
#pragma once

#include "data.hpp"

#include <map>
#include <string>
#include <vector>

namespace cloudflow::pipelines {

struct outcome {
  std::string failure;                           ///< why it has not come to its end; empty: it has
  std::vector<input_record> input;               ///< as it is on the log: with offsets
  std::map<std::string, std::vector<row>> rows;  ///< by outlet, in the order of each partition
  std::vector<std::string> letters;
  /// Of folds and distinct.
  std::map<std::string, std::map<std::string, std::string>> states;
};

/// As lines; empty: nothing differs.
std::vector<std::string> compare(const pipeline& p, const scenario& s, const outcome& seen);

}  // namespace cloudflow::pipelines
