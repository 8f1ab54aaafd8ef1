#include "cloudflow/connect/files/internal/pattern_layout.hpp"

#include "cloudflow/connect/files/internal/layouts.hpp"
#include "cloudflow/connect/files/level.hpp"

#include <fmt/format.h>
#include <re2/re2.h>

#include <array>
#include <utility>

namespace cloudflow::connect::detail {

namespace {

constexpr std::array<std::string_view, 5> group_names{"time", "level", "thread", "logger",
                                                      "message"};
enum group : std::size_t { time_group, level_group, thread_group, logger_group, message_group };

/// RE2 of Debian 12 knows named groups as `(?P<name>` only; `(?<name>` is what most other tools
/// write.
std::string with_python_groups(std::string_view pattern) {
  std::string out;
  bool in_class = false;
  for (std::size_t i = 0; i != pattern.size(); ++i) {
    const char c = pattern[i];
    out += c;
    if (c == '\\' && i + 1 != pattern.size()) {
      out += pattern[++i];
    } else if (in_class) {
      in_class = c != ']';
    } else if (c == '[') {
      in_class = true;
      if (pattern.substr(i + 1).starts_with('^')) out += pattern[++i];
      if (pattern.substr(i + 1).starts_with(']')) out += pattern[++i];  // stands for itself there
    } else if (c == '(' && pattern.substr(i + 1).starts_with("?<")) {
      out += "?P";
      ++i;
    }
  }
  return out;
}

std::string_view view(const re2::StringPiece& s) noexcept { return {s.data(), s.size()}; }

}  // namespace

class compiled_pattern {
public:
  compiled_pattern(const std::string& pattern, const RE2::Options& options, time_format format)
    : expression(pattern, options), time(std::move(format)) {}

  RE2 expression;
  time_format time;
  std::array<std::size_t, group_names.size()> index{};  ///< number of each group; 0: not there
};

namespace {

class pattern_layout final : public log_layout {
public:
  explicit pattern_layout(std::shared_ptr<const compiled_pattern> pattern)
    : pattern_(std::move(pattern)),
      groups_(static_cast<std::size_t>(pattern_->expression.NumberOfCapturingGroups()) + 1) {}

  std::string_view name() const noexcept override { return "pattern"; }

  parsed_line parse(std::string_view line, const time_context& context) override {
    const re2::StringPiece text{line.data(), line.size()};
    if (!pattern_->expression.Match(text, 0, line.size(), RE2::ANCHOR_START, groups_.data(),
                                    static_cast<int>(groups_.size())))
      return {};
    const auto time = pattern_->time.read(at(time_group), context);
    if (!time)
      return invalid_line(fmt::format(
          "there is no such time, or it is not of the time-format: '{}'", at(time_group)));
    return {line_kind::record,
            {*time, normalised_level(at(level_group), scratch_), at(thread_group), at(logger_group),
             at(message_group)},
            {}};
  }

private:
  std::string_view at(group g) const noexcept {
    const auto index = pattern_->index[g];
    return index == 0 ? std::string_view{} : view(groups_[index]);
  }

  std::shared_ptr<const compiled_pattern> pattern_;
  std::vector<re2::StringPiece> groups_;
  std::string scratch_;
};

}  // namespace

result<std::shared_ptr<const compiled_pattern>> compile_pattern(std::string_view pattern,
                                                                std::string_view time) {
  auto format = CLOUDFLOW_TRY(time_format::parse(time));
  RE2::Options options;
  options.set_log_errors(false);
  auto compiled =
      std::make_shared<compiled_pattern>(with_python_groups(pattern), options, std::move(format));
  if (!compiled->expression.ok())
    return error{fmt::format("line-pattern '{}' is no RE2 pattern: {}", pattern,
                             compiled->expression.error())};
  for (const auto& [name, index] : compiled->expression.NamedCapturingGroups()) {
    const auto known = std::find(group_names.begin(), group_names.end(), name);
    if (known == group_names.end())
      return error{fmt::format("line-pattern '{}' has a group '{}'; known are {}", pattern, name,
                               fmt::join(group_names, ", "))};
    compiled->index[static_cast<std::size_t>(known - group_names.begin())] =
        static_cast<std::size_t>(index);
  }
  for (const auto needed : {time_group, message_group}) {
    if (compiled->index[needed] == 0)
      return error{fmt::format(
          "line-pattern '{}' has no group '{}': write (?P<{}>...) around what it is, or name one "
          "of the known layouts: auto, {}",
          pattern, group_names[needed], group_names[needed], fmt::join(known_layouts(), ", "))};
  }
  return std::shared_ptr<const compiled_pattern>{std::move(compiled)};
}

std::unique_ptr<log_layout> make_pattern_layout(std::shared_ptr<const compiled_pattern> pattern) {
  return std::make_unique<pattern_layout>(std::move(pattern));
}

}  // namespace cloudflow::connect::detail
