#include "cloudflow/cli/output.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>

namespace cloudflow::cli {
namespace {

constexpr std::size_t narrowest = 3, classic_width = 18;

/// Characters, not bytes: those that continue one do not count.
std::size_t width_of(std::string_view text) {
  constexpr unsigned continues = 0x80, mask = 0xC0;
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & mask) != continues; }));
}

std::vector<std::size_t> widths_of(const std::vector<std::vector<std::string>>& rows,
                                   std::size_t least) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()), least);
    for (std::size_t i = 0; i != row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  return widths;
}

std::string filled(const std::string& text, std::size_t width, alignment how) {
  const auto missing = width - width_of(text);
  const auto before = how == alignment::centre ? missing / 2 : 0;
  return std::string(before, ' ') + text + std::string(missing - before, ' ');
}

bool is_bare_key(const std::string& key) {
  return !key.empty() && std::ranges::all_of(key, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.';
  });
}

void write_yaml(const nlohmann::ordered_json& value, const std::string& indent, std::string& out) {
  const auto put_value = [&](const nlohmann::ordered_json& v, const std::string& deeper) {
    if ((v.is_object() || v.is_array()) && !v.empty()) {
      out += '\n';
      write_yaml(v, deeper, out);
    } else {
      out += ' ' + v.dump() + '\n';
    }
  };
  if (value.is_array()) {
    for (const auto& item : value) {
      if (item.is_object() && !item.empty()) {
        // Its first member stands behind the dash.
        std::string inner;
        write_yaml(item, indent + "  ", inner);
        out += indent + "- " + inner.substr(indent.size() + 2);
      } else {
        out += indent + "-";
        put_value(item, indent + "  ");
      }
    }
    return;
  }
  for (const auto& [key, item] : value.items()) {
    out += indent + (is_bare_key(key) ? key : nlohmann::ordered_json(key).dump()) + ":";
    put_value(item, item.is_array() ? indent : indent + "  ");
  }
}

}  // namespace

std::optional<output_format> output_format_of(std::string_view word) {
  std::string lower{word};
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (lower == "t" || lower == "table") return output_format::table;
  if (lower == "c" || lower == "classic") return output_format::classic;
  if (lower == "json") return output_format::json;
  if (lower == "yaml") return output_format::yaml;
  return {};
}

std::string grid(const std::vector<std::vector<std::string>>& rows,
                 const std::vector<alignment>& columns, bool has_header) {
  const auto widths = widths_of(rows, narrowest);
  std::string line = "+";
  for (const auto width : widths) line += std::string(width + 2, '-') + "+";
  line += '\n';
  std::string out = line;
  for (std::size_t r = 0; r != rows.size(); ++r) {
    out += '|';
    for (std::size_t i = 0; i != rows[r].size(); ++i) {
      const auto how = has_header && r == 0 ? alignment::left : columns[i];
      out += ' ' + filled(rows[r][i], widths[i], how) + " |";
    }
    out += '\n';
    if (has_header && r == 0 && rows.size() > 1) out += line;
  }
  return out + line;
}

std::string classic_rows(const std::vector<std::vector<std::string>>& rows) {
  const auto widths = widths_of(rows, 0);
  std::string out;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i + 1 < row.size(); ++i) {
      const auto width = widths[i] <= classic_width ? classic_width : widths[i] + 1;
      out += filled(row[i], width, alignment::left);
    }
    if (!row.empty()) out += row.back();
    out += '\n';
  }
  return out;
}

std::string to_yaml(const nlohmann::ordered_json& value) {
  if (!value.is_object() && !value.is_array()) return value.dump() + "\n";
  if (value.empty()) return value.dump() + "\n";
  std::string out;
  write_yaml(value, "", out);
  return out;
}

std::string classic_time(std::string_view rfc3339) {
  constexpr std::string_view shape = "0000-00-00T00:00:00Z";
  const bool is_time =
      rfc3339.size() == shape.size() && std::ranges::equal(rfc3339, shape, [](char c, char wanted) {
        return wanted == '0' ? std::isdigit(static_cast<unsigned char>(c)) != 0 : c == wanted;
      });
  if (!is_time) return std::string{rfc3339};
  constexpr std::size_t date = 10, time = 8;
  return fmt::format("{} {} +0000 UTC", rfc3339.substr(0, date), rfc3339.substr(date + 1, time));
}

}  // namespace cloudflow::cli
