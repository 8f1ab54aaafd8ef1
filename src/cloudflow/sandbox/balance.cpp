#include "cloudflow/sandbox/balance.hpp"

#include "cloudflow/operate/balances.hpp"
#include "cloudflow/sandbox/print.hpp"
#include "cloudflow/sandbox/running.hpp"

#include <fmt/format.h>

namespace cloudflow::sandbox {

result<void> show_balance(const std::filesystem::path& state, bool as_json) {
  const auto tasks = CLOUDFLOW_TRY(running_tasks(state));
  const auto all = operate::balances_of(tasks);
  if (as_json) {
    auto streamlets = json::array();
    for (const auto& s : all) {
      json row{{"streamlet", s.streamlet}};
      for (std::size_t i = 0; i != record_way_names.size(); ++i)
        row[std::string{record_way_names[i]}] = s.counted.counts[i];
      row["missing"] = s.counted.missing();
      streamlets.push_back(std::move(row));
    }
    print(json{{"streamlets", std::move(streamlets)}});
  } else {
    fmt::print("{}", operate::table_of(all).text(has_colours()));
  }
  const auto missing = operate::what_is_missing(all);
  if (!missing.empty()) return error{missing};
  return {};
}

}  // namespace cloudflow::sandbox
