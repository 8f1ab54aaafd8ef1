#include "cloudflow/operate/table.hpp"

#include "cloudflow/base/assert.hpp"

#include <algorithm>
#include <string_view>

namespace cloudflow::operate {

namespace {

/// Characters of a text in UTF-8.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) >> 6) != 2; }));
}

std::string_view colour_of(table::tone how) {
  switch (how) {
    case table::tone::plain: return "";
    case table::tone::good: return "\033[32m";
    case table::tone::warning: return "\033[33m";
    case table::tone::bad: return "\033[31m";
  }
  return "";
}

}  // namespace

void table::add(std::vector<cell> row) {
  CLOUDFLOW_ASSERT(row.size() == columns_.size(), "a row has as many cells as there are columns");
  rows_.push_back(std::move(row));
}

std::string table::text(bool has_colours) const {
  std::vector<std::vector<cell>> lines{{}};
  for (const auto& c : columns_) lines.front().emplace_back(c.name);
  lines.insert(lines.end(), rows_.begin(), rows_.end());
  std::vector<std::size_t> widths(columns_.size());
  for (const auto& line : lines)
    for (std::size_t i = 0; i != line.size(); ++i)
      widths[i] = std::max(widths[i], width_of(line[i].text));
  std::string out;
  for (const auto& line : lines) {
    std::size_t pending = 0;  // blanks that are written only before something
    for (std::size_t i = 0; i != line.size(); ++i) {
      const auto& [text, how] = line[i];
      const auto room = widths[i] - width_of(text);
      if (columns_[i].at == side::right) pending += room;
      if (!text.empty()) {
        out.append(pending, ' ');
        const auto colour = has_colours ? colour_of(how) : "";
        out.append(colour).append(text).append(colour.empty() ? "" : "\033[0m");
        pending = 0;
      }
      pending += 2 + (columns_[i].at == side::left ? room : 0);
    }
    out += '\n';
  }
  return out;
}

}  // namespace cloudflow::operate
