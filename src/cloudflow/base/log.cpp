#include "cloudflow/base/log.hpp"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <cctype>

namespace cloudflow {

namespace {

constexpr std::array<std::string_view, 6> level_names{"trace", "debug", "info",
                                                      "warn",  "error", "off"};

spdlog::level::level_enum to_spdlog(log_level level) noexcept {
  switch (level) {
    case log_level::trace: return spdlog::level::trace;
    case log_level::debug: return spdlog::level::debug;
    case log_level::info: return spdlog::level::info;
    case log_level::warn: return spdlog::level::warn;
    case log_level::error: return spdlog::level::err;
    case log_level::off: return spdlog::level::off;
  }
  return spdlog::level::off;
}

class console_sink final : public log_sink {
public:
  explicit console_sink(log_level lowest)
    : lowest_(lowest), out_("cloudflow", std::make_shared<spdlog::sinks::stderr_color_sink_mt>()) {
    out_.set_pattern("%H:%M:%S.%e %^%-7l%$ %v");
    out_.set_level(to_spdlog(lowest));
  }
  log_level lowest() const noexcept override { return lowest_; }
  void write(log_level level, std::string_view component, std::string_view message) override {
    out_.log(to_spdlog(level), "{:<18} {}", component, message);
  }

private:
  log_level lowest_;
  spdlog::logger out_;
};

class null_sink final : public log_sink {
public:
  log_level lowest() const noexcept override { return log_level::off; }
  void write(log_level, std::string_view, std::string_view) override {}
};

}  // namespace

log_level log_level_of(std::string_view name, log_level otherwise) noexcept {
  std::string lower;
  for (const char c : name)
    lower.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
  if (lower == "warning") return log_level::warn;
  if (lower == "fatal") return log_level::error;
  for (std::size_t i = 0; i != level_names.size(); ++i)
    if (lower == level_names[i]) return static_cast<log_level>(i);
  return otherwise;
}

std::string_view to_string(log_level level) noexcept {
  return level_names[static_cast<std::size_t>(level)];
}

std::shared_ptr<log_sink> make_console_sink(log_level lowest) {
  return std::make_shared<console_sink>(lowest);
}
std::shared_ptr<log_sink> make_null_sink() { return std::make_shared<null_sink>(); }

}  // namespace cloudflow
