#include "cloudflow/connect/files/log_layout.hpp"

#include "cloudflow/connect/files/internal/layouts.hpp"
#include "cloudflow/connect/files/internal/pattern_layout.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace cloudflow::connect {

namespace {

struct known_layout {
  std::string_view name;
  std::unique_ptr<log_layout> (*make)();
};

constexpr std::array<known_layout, 6> known{{
    {"zookeeper", &detail::make_zookeeper_layout},
    {"log4j", &detail::make_log4j_layout},
    {"logback", &detail::make_logback_layout},
    {"json", &detail::make_json_layout},
    {"syslog", &detail::make_syslog_layout},
    {"iso8601", &detail::make_iso8601_layout},
}};

constexpr std::string_view general_layout = known.back().name;

/// The complete lines at the beginning of an object; of a head that is all of it, also the last
/// one.
std::vector<std::string_view> lines_of(std::string_view head) {
  std::vector<std::string_view> lines;
  const bool is_all = head.size() < log_layouts::head_bytes;
  if (head.starts_with("\xEF\xBB\xBF")) head.remove_prefix(3);
  while (!head.empty() && lines.size() != log_layouts::head_lines) {
    const auto end = head.find('\n');
    if (end == head.npos && !is_all && !lines.empty()) break;
    auto line = head.substr(0, end);
    head.remove_prefix(std::min(head.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back(line);
  }
  return lines;
}

/// iso8601 reads nearly all that zookeeper and log4j read, and lines of theirs that lack something.
/// It is a better answer only where it reads more than a quarter more.
bool reads_clearly_more(std::ptrdiff_t general, std::ptrdiff_t special) noexcept {
  return general * 4 > special * 5;
}

std::unique_ptr<log_layout> recognise(std::string_view head, const time_context& context) {
  const auto lines = lines_of(head);
  std::unique_ptr<log_layout> best = detail::make_unknown_layout();
  std::ptrdiff_t most = 0;
  for (const auto& candidate : known) {
    auto layout = candidate.make();
    const auto begun = std::ranges::count_if(
        lines, [&](auto line) { return layout->parse(line, context).kind == line_kind::record; });
    const bool is_better =
        candidate.name == general_layout ? reads_clearly_more(begun, most) : begun > most;
    if (!is_better) continue;
    most = begun;
    best = std::move(layout);
  }
  return best;
}

}  // namespace

std::vector<std::string_view> known_layouts() {
  std::vector<std::string_view> names;
  for (const auto& layout : known) names.push_back(layout.name);
  return names;
}

struct log_layouts::pattern {
  std::shared_ptr<const detail::compiled_pattern> compiled;
};

result<log_layouts> log_layouts::make(log_layout_settings settings) {
  log_layouts layouts;
  const auto is_named = [&](const known_layout& l) { return l.name == settings.line_pattern; };
  if (settings.line_pattern == "auto" || std::ranges::any_of(known, is_named)) {
    layouts.name_ = std::move(settings.line_pattern);
    return layouts;
  }
  auto compiled =
      CLOUDFLOW_TRY(detail::compile_pattern(settings.line_pattern, settings.time_format));
  layouts.pattern_ = std::make_shared<const pattern>(std::move(compiled));
  return layouts;
}

std::unique_ptr<log_layout> log_layouts::choose(std::string_view head,
                                                const time_context& context) const {
  if (pattern_ != nullptr) return detail::make_pattern_layout(pattern_->compiled);
  for (const auto& layout : known)
    if (layout.name == name_) return layout.make();
  return recognise(head, context);
}

}  // namespace cloudflow::connect
