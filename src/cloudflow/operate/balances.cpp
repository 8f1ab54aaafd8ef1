#include "cloudflow/operate/balances.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace cloudflow::operate {

std::vector<streamlet_balance> balances_of(const std::vector<app::task_status>& tasks) {
  std::map<std::string, record_balance> by_name;
  for (const auto& t : tasks) by_name[t.streamlet] += t.counted;
  std::vector<streamlet_balance> all;
  for (const auto& [name, counted] : by_name) all.push_back({name, counted});
  return all;
}

table table_of(const std::vector<streamlet_balance>& all) {
  constexpr auto right = table::side::right;
  record_balance total;
  for (const auto& s : all) total += s.counted;
  std::vector<table::column> columns{{"streamlet"}};
  for (std::size_t i = 0; i != record_way_names.size(); ++i)
    if (total.counts[i] != 0) columns.push_back({std::string{record_way_names[i]}, right});
  columns.push_back({"missing", right});
  table rows{columns};
  for (const auto& s : all) {
    std::vector<table::cell> row{s.streamlet};
    for (std::size_t i = 0; i != record_way_names.size(); ++i)
      if (total.counts[i] != 0) row.emplace_back(std::to_string(s.counted.counts[i]));
    const auto missing = s.counted.missing();
    row.emplace_back(std::to_string(missing), missing == 0 ? table::tone::good : table::tone::bad);
    rows.add(std::move(row));
  }
  return rows;
}

std::string what_is_missing(const std::vector<streamlet_balance>& all) {
  std::string lines;
  for (const auto& s : all) {
    const auto missing = s.counted.missing();
    if (missing > 0)
      lines += fmt::format(
          "streamlet {}: {} records have come in and gone nowhere: they are lost. That is a defect "
          "of Cloudflow.\n",
          s.streamlet, missing);
    else if (missing < 0)
      lines += fmt::format(
          "streamlet {}: {} records have gone that never came in: they are doubled. That is a "
          "defect of Cloudflow.\n",
          s.streamlet, -missing);
  }
  return lines;
}

}  // namespace cloudflow::operate
