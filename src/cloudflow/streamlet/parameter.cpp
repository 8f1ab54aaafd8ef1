#include "cloudflow/streamlet/parameter.hpp"

#include "cloudflow/config/value.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <stdexcept>

namespace cloudflow {

// Reached at run time only from compilers that run consteval default initialisers there (clang
// before 17).
void a_parameter_key_is_letters_then_hyphens_letters_and_digits() {
  throw std::invalid_argument("a parameter key is letters, then hyphens, letters and digits");
}

namespace detail {

namespace {

template <class T>
bool parse_whole(std::string_view s, T& v) {
  const auto [end, code] = std::from_chars(s.data(), s.data() + s.size(), v);
  return code == std::errc{} && end == s.data() + s.size();
}

template <class T>
bool take(std::optional<T> parsed, T& v) {
  if (parsed) v = *parsed;
  return parsed.has_value();
}

}  // namespace

bool parse_bool_parameter(std::string_view text, bool& v) {
  return take(config::parse_bool(text), v);
}
bool parse_integer_parameter(std::string_view text, std::int64_t& v) {
  return parse_whole(text, v);
}
bool parse_double_parameter(std::string_view text, double& v) {
  return parse_whole(text, v) && std::isfinite(v);
}
bool parse_duration_parameter(std::string_view text, std::chrono::nanoseconds& v) {
  return take(config::parse_duration(text), v);
}
bool parse_memory_parameter(std::string_view text, std::int64_t& v) {
  return take(config::parse_memory_size(text), v);
}
std::string format_double_parameter(double v) { return fmt::format("{}", v); }
std::string format_duration_parameter(std::chrono::nanoseconds v) {
  return config::format_duration(v);
}
std::string format_memory_parameter(std::int64_t v) { return config::format_memory_size(v); }

blueprint::parameter_descriptor parameter_base::describe() const {
  blueprint::parameter_descriptor d;
  d.key = key_;
  d.description = description_;
  d.validation_type = type_;
  if (auto p = pattern(); !p.empty()) d.validation_pattern = std::move(p);
  // A secret's default stands in the program and nowhere else: not even as `***`, which would
  // become its value.
  if (has_default_ && !is_secret_) d.default_value = default_text();
  d.is_secret = is_secret_;
  d.has_default = has_default_;
  return d;
}

namespace {

/// What a required parameter may look like. Only logic() knows what it takes.
constexpr std::string_view guesses[] = {"1",
                                        "2",
                                        "10",
                                        "100",
                                        "1000",
                                        "8080",
                                        "0",
                                        "-1",
                                        "0.5",
                                        "true",
                                        "false",
                                        "1 s",
                                        "1 min",
                                        "1 h",
                                        "1 day",
                                        "1 kB",
                                        "1 MiB",
                                        "a",
                                        "A",
                                        "abc",
                                        "localhost",
                                        "localhost:8080",
                                        "http://localhost/",
                                        "http://localhost:8080/",
                                        "https://localhost/",
                                        "127.0.0.1",
                                        "127.0.0.1:8080",
                                        "a@example.com",
                                        "/",
                                        "/tmp",
                                        "a.b",
                                        "a=b",
                                        "a,b",
                                        "{}",
                                        "[]",
                                        "*",
                                        "^$",
                                        "UTC",
                                        "2000-01-01",
                                        "2000-01-01T00:00:00Z"};

/// The alternatives of `^(a|b)$`, which is how the values of an enum are written.
std::vector<std::string> alternatives_of(std::string_view pattern) {
  std::vector<std::string> all;
  if (!pattern.starts_with("^(") || !pattern.ends_with(")$")) return all;
  pattern = pattern.substr(2, pattern.size() - 4);
  for (auto bar = pattern.find('|'); bar != pattern.npos; bar = pattern.find('|')) {
    all.emplace_back(pattern.substr(0, bar));
    pattern.remove_prefix(bar + 1);
  }
  all.emplace_back(pattern);
  return all;
}

}  // namespace

std::vector<std::shared_ptr<const void>> parameter_base::placeholders() const {
  std::vector<std::shared_ptr<const void>> allowed;
  const auto add = [&](std::shared_ptr<const void> value) {
    if (value != nullptr && is_allowed(value.get())) allowed.push_back(std::move(value));
  };
  add(parse(nullptr));
  if (has_value()) return allowed;
  for (const auto& text : alternatives_of(pattern())) add(parse(&text));
  for (const auto guess : guesses) {
    const std::string text{guess};
    add(parse(&text));
  }
  return allowed;
}

std::string parameter_base::mistake() const {
  const auto value = parse(nullptr);
  if (has_value())
    return is_allowed(value.get())
               ? std::string{}
               : fmt::format("the {} of parameter `{}` is not allowed by its own check",
                             has_default_ ? "default" : "example", key_);
  if (!placeholders().empty()) return {};
  return fmt::format(
      "parameter `{}` has neither a default nor an example, and its check refuses all values that "
      "were tried to describe the streamlet: write cloudflow::example{{...}} behind the "
      "description",
      key_);
}

std::shared_ptr<const void> parameter_base::resolve(const std::string* text) const {
  const auto shown = [&] {
    return is_secret_ ? std::string{"***"} : text ? *text : default_text();
  };
  if (text == nullptr && !has_default_)
    throw std::invalid_argument(fmt::format("parameter `{}` has no value and no default", key_));
  auto v = parse(text);
  if (v == nullptr)
    throw std::invalid_argument(
        fmt::format("parameter `{}`: `{}` is not a value of type {}", key_, shown(), type_));
  if (!is_allowed(v.get()))
    throw std::invalid_argument(fmt::format("parameter `{}`: `{}` is not allowed", key_, shown()));
  return v;
}

}  // namespace detail
}  // namespace cloudflow
