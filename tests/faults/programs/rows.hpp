/// One program has the application of every row: CLOUDFLOW_FAULT says which one it is.
///
/// A blueprint that is wrong on purpose would break the build, so a row brings its blueprint as
/// text, and `verify` is called by the tests.
#pragma once

#include "cloudflow/sandbox/application.hpp"
#include "cloudflow/streamlet/streamlet.hpp"

#include <string>
#include <utility>
#include <vector>

namespace faults {

struct row {
  std::string name, blueprint;
  int (*run)(int, char**);
};

/// All rows of this program.
std::vector<row>& rows();

/// Makes an application of these streamlets known under the name of a row.
template <class... Streamlet>
bool add_row(std::string name, std::string blueprint) {
  rows().push_back({std::move(name), std::move(blueprint), &cloudflow::application<Streamlet...>});
  return true;
}

/// The blueprint of a streamlet `s` that reads the topic `in` and writes the topic `out`.
inline std::string one_streamlet(const std::string& class_name, int partitions = 1) {
  return "blueprint {\n  streamlets { s = faults." + class_name +
         " }\n  topics {\n    in { consumers = [s.in], partitions = " + std::to_string(partitions) +
         " }\n    out { producers = [s.out] }\n  }\n}\n";
}
/// The same without an inlet.
inline std::string one_source(const std::string& class_name) {
  return "blueprint {\n  streamlets { s = faults." + class_name +
         " }\n  topics { out { producers = [s.out] } }\n}\n";
}

}  // namespace faults
