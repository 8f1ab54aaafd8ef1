#include "cloudflow/sandbox/row_printer.hpp"

#include "cloudflow/sandbox/print.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace cloudflow::sandbox {

namespace {

std::string dump(const json& j) { return j.dump(-1, ' ', false, json::error_handler_t::replace); }

/// Text without quotes, everything else as JSON.
std::string cell_of(const json& j) {
  return j.is_string() ? printable(j.get<std::string>()) : dump(j);
}

std::string field(const json& value, const std::string& name) {
  return value.is_object() && value.contains(name) ? cell_of(value.at(name)) : std::string{};
}

}  // namespace

std::string row_printer::line_of(const operate::shown_record& r) const {
  if (format_ != "full") return r.value_json;
  json full;
  full["partition"] = r.partition;
  full["offset"] = r.offset;
  full["time"] = to_iso8601(r.time);
  full["key"] = r.key ? json(*r.key) : json(nullptr);
  if (!r.headers.empty()) full["headers"] = r.headers;
  full["value"] = json::parse(r.value_json, nullptr, false);
  return dump(full);
}

void row_printer::add(const operate::shown_record& r) {
  if (!latest_by_.empty()) {
    const auto value = json::parse(r.value_json, nullptr, false);
    std::vector<std::string> key;
    for (const auto& name : latest_by_) {
      key.push_back(field(value, name));
      if (value.is_object() && value.contains(name)) known_fields_.insert(name);
    }
    latest_[std::move(key)] = line_of(r);
  } else if (format_ == "table") {
    rows_.push_back(r.value_json);
  } else {
    fmt::print("{}\n", line_of(r));
  }
}

result<void> row_printer::finish() {
  for (const auto& name : latest_by_)
    if (!latest_.empty() && !known_fields_.contains(name))
      return error{fmt::format("--latest-by: no record has a field {}", name)};
  for (auto& [key, line] : latest_) {
    if (format_ == "table")
      rows_.push_back(std::move(line));
    else
      fmt::print("{}\n", line);
  }
  latest_.clear();
  if (format_ == "table") print_table();
  return {};
}

/// Columns are the fields of the first record; numbers stand to the right.
void row_printer::print_table() const {
  if (rows_.empty()) return;
  const auto first = json::parse(rows_.front(), nullptr, false);
  std::vector<std::string> names;
  for (const auto& [name, value] : first.items()) names.push_back(name);
  std::vector<std::vector<std::string>> cells;
  std::vector<std::size_t> widths;
  for (const auto& name : names) widths.push_back(name.size());
  for (const auto& row : rows_) {
    const auto value = json::parse(row, nullptr, false);
    auto& line = cells.emplace_back();
    for (std::size_t i = 0; i != names.size(); ++i) {
      line.push_back(field(value, names[i]));
      widths[i] = std::max(widths[i], line.back().size());
    }
  }
  const auto print = [&](const std::vector<std::string>& line) {
    std::string text;
    for (std::size_t i = 0; i != line.size(); ++i)
      text += first[names[i]].is_number() ? fmt::format("{:>{}}  ", line[i], widths[i])
                                          : fmt::format("{:<{}}  ", line[i], widths[i]);
    text.erase(text.find_last_not_of(' ') + 1);
    fmt::print("{}\n", text);
  };
  print(names);
  for (const auto& line : cells) print(line);
}

}  // namespace cloudflow::sandbox
