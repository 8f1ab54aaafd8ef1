#pragma once

#include "cloudflow/application/task_status.hpp"
#include "cloudflow/base/record_balance.hpp"
#include "cloudflow/operate/table.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace cloudflow::operate {

/// Of all tasks of a streamlet.
struct streamlet_balance {
  std::string streamlet;
  record_balance counted{};
};

/// By name.
std::vector<streamlet_balance> balances_of(const std::vector<app::task_status>& tasks);
/// A column for each way that any record has gone, and what is missing.
table table_of(const std::vector<streamlet_balance>& all);
/// A line for each streamlet whose records do not add up; empty: all do.
std::string what_is_missing(const std::vector<streamlet_balance>& all);

}  // namespace cloudflow::operate
