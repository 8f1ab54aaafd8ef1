#pragma once

#include <fmt/core.h>

#include <memory>
#include <string>
#include <string_view>

namespace cloudflow {

enum class log_level { trace, debug, info, warn, error, off };

/// `debug`, `INFO`, `warning` ...; `otherwise` for anything else.
log_level log_level_of(std::string_view name, log_level otherwise) noexcept;
std::string_view to_string(log_level level) noexcept;

/// Where log lines go. Implementations are thread-safe.
class log_sink {
public:
  virtual ~log_sink() = default;
  /// What is below this level is not written, and need not be formatted.
  virtual log_level lowest() const noexcept = 0;
  /// `component` is who speaks: a streamlet's name, or a part of the runtime.
  virtual void write(log_level level, std::string_view component, std::string_view message) = 0;
};

/// Lines on standard error: time, level, component, message; colours on a terminal only.
std::shared_ptr<log_sink> make_console_sink(log_level lowest);
/// Drops everything.
std::shared_ptr<log_sink> make_null_sink();

/// A named voice. A value; cheap to copy; thread-safe.
class logger {
public:
  logger(std::shared_ptr<log_sink> sink, std::string component)
    : sink_(std::move(sink)), component_(std::move(component)) {}

  template <class... Args>
  void debug(fmt::format_string<Args...> text, Args&&... args) const {
    log(log_level::debug, text, std::forward<Args>(args)...);
  }
  template <class... Args>
  void info(fmt::format_string<Args...> text, Args&&... args) const {
    log(log_level::info, text, std::forward<Args>(args)...);
  }
  template <class... Args>
  void warn(fmt::format_string<Args...> text, Args&&... args) const {
    log(log_level::warn, text, std::forward<Args>(args)...);
  }
  template <class... Args>
  void error(fmt::format_string<Args...> text, Args&&... args) const {
    log(log_level::error, text, std::forward<Args>(args)...);
  }
  template <class... Args>
  void log(log_level level, fmt::format_string<Args...> text, Args&&... args) const {
    if (level < sink_->lowest()) return;
    sink_->write(level, component_, fmt::format(text, std::forward<Args>(args)...));
  }
  /// The same sink under another name.
  logger named(std::string component) const { return {sink_, std::move(component)}; }
  const std::shared_ptr<log_sink>& sink() const noexcept { return sink_; }

private:
  std::shared_ptr<log_sink> sink_;
  std::string component_;
};

}  // namespace cloudflow
