#include "cloudflow/sandbox/offsets.hpp"

#include "cloudflow/operate/offsets.hpp"
#include "cloudflow/operate/table.hpp"
#include "cloudflow/sandbox/print.hpp"

#include <fmt/format.h>

#include <vector>

namespace cloudflow::sandbox {

namespace {

using operate::inlet_position, operate::table;

json to_json(const inlet_position& p) {
  return {{"inlet", p.inlet},
          {"topic", p.source.topic},
          {"partition", p.source.partition.value()},
          {"group", p.group},
          {"committed", p.committed ? json(p.committed->value()) : json(nullptr)},
          {"start", p.range.first.value()},
          {"end", p.range.end.value()},
          {"lag", p.lag()}};
}

table::cell committed_cell(const inlet_position& p) {
  if (!p.committed) return "-";
  return {std::to_string(p.committed->value()),
          p.is_in_range() ? table::tone::plain : table::tone::bad};
}

void print_table(const std::vector<inlet_position>& all) {
  constexpr auto right = table::side::right;
  table rows{{{"inlet"},
              {"topic"},
              {"partition", right},
              {"committed", right},
              {"start", right},
              {"end", right},
              {"lag", right},
              {"group"}}};
  for (const auto& p : all)
    rows.add({p.inlet, p.source.topic, std::to_string(p.source.partition.value()),
              committed_cell(p), std::to_string(p.range.first.value()),
              std::to_string(p.range.end.value()), std::to_string(p.lag()), p.group});
  fmt::print("{}", rows.text(has_colours()));
  for (const auto& p : all)
    if (!p.is_in_range())
      fmt::print(
          "\n{} cannot go on in {}: offset {} is not in the log, which holds {} to {}; "
          "`offsets set {} --to ... --partition {}` says where to go on\n",
          p.inlet, to_string(p.source), p.committed->value(), p.range.first.value(),
          p.range.end.value(), p.inlet, p.source.partition.value());
}

}  // namespace

result<void> show_offsets(const project& app, const log_location& where, const std::string& path,
                          bool as_json) {
  const auto opened = CLOUDFLOW_TRY(application_log::open(app, where, purpose::reading));
  const auto all = CLOUDFLOW_TRY(operate::positions(opened.log(), opened.plan(), path));
  if (!as_json) return print_table(all), result<void>{};
  auto list = json::array();
  for (const auto& p : all) list.push_back(to_json(p));
  print(list);
  return {};
}

result<void> set_offsets(const project& app, const log_location& where,
                         const set_offsets_options& options) {
  const auto opened = CLOUDFLOW_TRY(application_log::open(app, where, purpose::writing));
  const auto to = operate::offset_spec::parse(options.to, opened.time().now());
  if (!to) return error{"--to: " + to.error().message};
  const auto inlet = CLOUDFLOW_TRY(operate::find_inlet(opened.plan(), options.inlet));
  const auto moved =
      CLOUDFLOW_TRY(operate::set_positions(opened.log(), inlet, *to, options.partition));
  print_table(moved);
  return {};
}

}  // namespace cloudflow::sandbox
