#include "cloudflow/connect/files/internal/layouts.hpp"
#include "cloudflow/connect/files/level.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <optional>

namespace cloudflow::connect::detail {

namespace {

namespace dom = simdjson::dom;

std::string_view text_or_nothing(const dom::element& e) noexcept {
  std::string_view text;
  return e.get(text) == simdjson::SUCCESS ? text : std::string_view{};
}

/// One JSON object a line. Where a name stands twice, the first counts.
class json_layout final : public log_layout {
public:
  std::string_view name() const noexcept override { return "json"; }

  parsed_line parse(std::string_view line, const time_context& context) override {
    if (!line.starts_with('{')) return {};
    dom::object object;
    if (const auto failed = parser_.parse(line.data(), line.size()).get(object);
        failed != simdjson::SUCCESS)
      return invalid_line(fmt::format("it begins with '{{' and is no JSON object: {}",
                                      simdjson::error_message(failed)));
    found_fields found;
    for (const auto field : object) found.keep(field.key, field.value);
    if (!found.time) return invalid_line("it has no field time, timestamp, ts or @timestamp");
    const auto time = read_time(*found.time, context);
    if (!time)
      return invalid_line(fmt::format("there is no such time: {}", simdjson::minify(*found.time)));
    return {
        line_kind::record,
        {*time, level_of(found.level), found.thread, found.logger, found.message.value_or(line)},
        {}};
  }

private:
  struct found_fields {
    std::optional<dom::element> time, level;
    std::optional<std::string_view> message;
    std::string_view logger, thread;

    void keep(std::string_view key, const dom::element& value) {
      if (key == "time" || key == "timestamp" || key == "ts" || key == "@timestamp") {
        if (!time) time = value;
      } else if (key == "level" || key == "severity") {
        if (!level) level = value;
      } else if (key == "message" || key == "msg") {
        if (!message && value.is_string()) message = text_or_nothing(value);
      } else if (key == "logger") {
        if (logger.empty()) logger = text_or_nothing(value);
      } else if (key == "thread") {
        if (thread.empty()) thread = text_or_nothing(value);
      }
    }
  };

  static std::optional<timestamp> read_time(const dom::element& e, const time_context& context) {
    if (e.is_string()) {
      const auto text = text_or_nothing(e);
      const auto found = scan_iso8601(text, context);
      return found.outcome == scan::found && found.size == text.size() ? std::optional{found.time}
                                                                       : std::nullopt;
    }
    std::int64_t whole = 0;
    if (e.get(whole) == simdjson::SUCCESS) return from_epoch(whole);
    double number = 0;
    return e.get(number) == simdjson::SUCCESS ? from_epoch(number) : std::nullopt;
  }

  /// Numbers are those of pino and bunyan: 10 trace, 20 debug, 30 info, 40 warn, 50 error, 60
  /// fatal.
  std::string_view level_of(const std::optional<dom::element>& e) {
    if (!e) return {};
    std::int64_t number = 0;
    if (e->get(number) == simdjson::SUCCESS) {
      constexpr std::string_view names[] = {"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"};
      return number >= 10 && number < 70 ? names[number / 10 - 1] : std::string_view{};
    }
    return normalised_level(text_or_nothing(*e), scratch_);
  }

  dom::parser parser_;
  std::string scratch_;
};

}  // namespace

std::unique_ptr<log_layout> make_json_layout() { return std::make_unique<json_layout>(); }

}  // namespace cloudflow::connect::detail
