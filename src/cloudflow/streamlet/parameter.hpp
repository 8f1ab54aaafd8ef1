/// Configuration parameters of a streamlet: typed, with defaults, checked before anything runs.
#pragma once

#include "cloudflow/blueprint/descriptor.hpp"

#include <chrono>
#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflow {

// Its name is the error message: a consteval constructor that calls it does not compile.
void a_parameter_key_is_letters_then_hyphens_letters_and_digits();

/// Checked when the streamlet is compiled: `[a-zA-Z]+(-[a-zA-Z-0-9]+)*`.
struct parameter_key {
  std::string_view text;
  consteval parameter_key(const char* s) : text(s) {
    const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    bool is_valid = !text.empty() && is_letter(text.front()) && text.back() != '-',
         is_first_segment = true;
    for (const char c : text) {
      is_first_segment = is_first_segment && c != '-';
      is_valid =
          is_valid && (is_letter(c) || c == '-' || (!is_first_segment && c >= '0' && c <= '9'));
    }
    if (!is_valid) a_parameter_key_is_letters_then_hyphens_letters_and_digits();
  }
};

/// Text that is never shown: descriptors, logs and printed configurations have `***` instead.
struct secret {
  std::string reveal;
};
/// A number of bytes; configured as `64 MiB`, `1 GB`.
struct memory_size {
  std::int64_t bytes = 0;
};

/// How a type is read from configuration: `type` (one of Cloudflow's six), `parse(text, T&)`,
/// `format(T)`, and where they apply `pattern()` and `is_secret`. Specialise it for a type of
/// yours.
template <class T>
struct parameter_type;

/// The names of an enum's values, in order: `template <> struct cloudflow::enum_names<level> {
/// static constexpr std::string_view values[] = {...}; };`.
template <class E>
struct enum_names;

namespace detail {
bool parse_bool_parameter(std::string_view text, bool& v);
bool parse_integer_parameter(std::string_view text, std::int64_t& v);
bool parse_double_parameter(std::string_view text, double& v);
bool parse_duration_parameter(std::string_view text, std::chrono::nanoseconds& v);
bool parse_memory_parameter(std::string_view text, std::int64_t& v);
std::string format_double_parameter(double v);
std::string format_duration_parameter(std::chrono::nanoseconds v);
std::string format_memory_parameter(std::int64_t v);
}  // namespace detail

template <>
struct parameter_type<bool> {
  static constexpr std::string_view type = "bool";
  static bool parse(std::string_view s, bool& v) { return detail::parse_bool_parameter(s, v); }
  static std::string format(bool v) { return v ? "true" : "false"; }
};
template <std::integral T>
struct parameter_type<T> {
  static constexpr std::string_view type = "int32";
  static bool parse(std::string_view s, T& v) {
    std::int64_t x = 0;
    if (!detail::parse_integer_parameter(s, x) || !std::in_range<T>(x)) return false;
    v = static_cast<T>(x);
    return true;
  }
  static std::string format(T v) { return std::to_string(v); }
};
template <>
struct parameter_type<double> {
  static constexpr std::string_view type = "double";
  static bool parse(std::string_view s, double& v) { return detail::parse_double_parameter(s, v); }
  static std::string format(double v) { return detail::format_double_parameter(v); }
};
template <>
struct parameter_type<std::string> {
  static constexpr std::string_view type = "string";
  static bool parse(std::string_view s, std::string& v) {
    v = s;
    return true;
  }
  static std::string format(const std::string& v) { return v; }
};
template <>
struct parameter_type<secret> {
  static constexpr std::string_view type = "string";
  static constexpr bool is_secret = true;
  static bool parse(std::string_view s, secret& v) {
    v.reveal = s;
    return true;
  }
  static std::string format(const secret&) { return "***"; }
};
template <>
struct parameter_type<memory_size> {
  static constexpr std::string_view type = "memorysize";
  static bool parse(std::string_view s, memory_size& v) {
    return detail::parse_memory_parameter(s, v.bytes);
  }
  static std::string format(memory_size v) { return detail::format_memory_parameter(v.bytes); }
};
template <class R, class P>
struct parameter_type<std::chrono::duration<R, P>> {
  static constexpr std::string_view type = "duration";
  static bool parse(std::string_view s, std::chrono::duration<R, P>& v) {
    std::chrono::nanoseconds ns{};
    if (!detail::parse_duration_parameter(s, ns)) return false;
    v = std::chrono::duration_cast<std::chrono::duration<R, P>>(ns);
    return v == ns;  // `90 s` is no value for a parameter in minutes
  }
  static std::string format(std::chrono::duration<R, P> v) {
    return detail::format_duration_parameter(v);
  }
};
template <class E>
  requires std::is_enum_v<E>
struct parameter_type<E> {
  static constexpr std::string_view type = "string";
  static constexpr auto& names = enum_names<E>::values;
  static bool parse(std::string_view s, E& v) {
    for (std::size_t i = 0; i != std::size(names); ++i) {
      if (s != names[i]) continue;
      v = static_cast<E>(i);
      return true;
    }
    return false;
  }
  static std::string format(E v) { return std::string{names[static_cast<std::size_t>(v)]}; }
  static std::string pattern() {
    std::string p = "^(";
    for (const auto n : names) p += std::string{n} + "|";
    p.back() = ')';
    return p + "$";
  }
};
/// Several values, separated by commas.
template <class T>
struct parameter_type<std::vector<T>> {
  static constexpr std::string_view type = "string";
  static bool parse(std::string_view s, std::vector<T>& v) {
    for (v.clear(); !s.empty();) {
      const auto comma = s.find(',');
      auto text = s.substr(0, comma);
      while (text.starts_with(' ')) text.remove_prefix(1);
      while (text.ends_with(' ')) text.remove_suffix(1);
      T item{};
      if (!parameter_type<T>::parse(text, item)) return false;
      v.push_back(std::move(item));
      s = comma == s.npos ? std::string_view{} : s.substr(comma + 1);
    }
    return true;
  }
  static std::string format(const std::vector<T>& v) {
    std::string all;
    for (const auto& x : v) all += (all.empty() ? "" : ",") + parameter_type<T>::format(x);
    return all;
  }
};

namespace detail {

/// What the library needs of a parameter without knowing its type.
class parameter_base {
public:
  parameter_base(const parameter_base&) = delete;
  parameter_base& operator=(const parameter_base&) = delete;

  blueprint::parameter_descriptor describe() const;
  /// The value for `text`, or the default where there is no text. Throws std::invalid_argument with
  /// a sentence.
  std::shared_ptr<const void> resolve(const std::string* text) const;
  /// Values for building a logic that will not run: the default or the example, otherwise values
  /// that text of several kinds can be read as. All are allowed. Empty: none that was tried is.
  std::vector<std::shared_ptr<const void>> placeholders() const;
  /// What is wrong with the declaration; empty: nothing.
  std::string mistake() const;
  std::string_view key() const noexcept { return key_; }
  bool has_default() const noexcept { return has_default_; }

protected:
  enum class given { nothing, example, default_value };
  parameter_base(parameter_key key, std::string_view description, std::string_view type,
                 given value, bool is_secret)
    : key_(key.text),
      description_(description),
      type_(type),
      has_default_(value == given::default_value),
      has_example_(value == given::example),
      is_secret_(is_secret) {}
  ~parameter_base() = default;
  virtual std::shared_ptr<const void> parse(
      const std::string* text) const = 0;  // null: not a value of the type
  virtual bool is_allowed(const void* value) const = 0;
  virtual std::string default_text() const = 0;
  virtual std::string pattern() const = 0;

private:
  bool has_value() const noexcept { return has_default_ || has_example_; }
  std::string_view key_, description_, type_;
  bool has_default_, has_example_, is_secret_;
};

/// A check of a value that captures nothing.
template <class F, class T>
concept check_of = std::default_initializable<F> && requires(F f, const T& v) {
  { f(v) } -> std::same_as<bool>;
};

template <class T>
inline constexpr bool is_secret_type = requires { parameter_type<T>::is_secret; };

}  // namespace detail

/// A value that a required parameter may have: what `logic()` gets where it is described, and never
/// when it runs. `parameter<std::string> url{"url", "Where it goes.", example{"http://host/"}};`
template <class T>
struct example {
  T value;
};
template <class T>
example(T) -> example<T>;

/// A named value from configuration; read it as `ctx[parameter]`. Without default it is required.
/// `valid` is one more check: a function from the value to bool that captures nothing.
template <class T>
class parameter final : public detail::parameter_base {
public:
  using value_type = T;
  using type = parameter_type<T>;

  parameter(parameter_key key, std::string_view description)
    : parameter(key, description, given::nothing, T{}) {}
  parameter(parameter_key key, std::string_view description, T value)
    : parameter(key, description, given::default_value, std::move(value)) {}
  /// Required.
  template <std::convertible_to<T> Value>
  parameter(parameter_key key, std::string_view description, example<Value> e)
    : parameter(key, description, given::example, T(std::move(e.value))) {}
  /// Lists of text: g++ 12 crashes when Boost.PFR counts members initialised by a list of
  /// std::string.
  parameter(parameter_key key, std::string_view description,
            std::initializer_list<std::string_view> values)
    requires std::same_as<T, std::vector<std::string>>
    : parameter(key, description, T(values.begin(), values.end())) {}
  template <detail::check_of<T> Valid>
  parameter(parameter_key key, std::string_view description, T value, Valid)
    : parameter(key, description, std::move(value)) {
    valid_ = [](const T& v) -> bool { return Valid{}(v); };
  }
  /// Required.
  template <detail::check_of<T> Valid>
  parameter(parameter_key key, std::string_view description, Valid) : parameter(key, description) {
    valid_ = [](const T& v) -> bool { return Valid{}(v); };
  }
  /// Required.
  template <std::convertible_to<T> Value, detail::check_of<T> Valid>
  parameter(parameter_key key, std::string_view description, example<Value> e, Valid)
    : parameter(key, description, std::move(e)) {
    valid_ = [](const T& v) -> bool { return Valid{}(v); };
  }

private:
  parameter(parameter_key key, std::string_view description, given what, T value)
    : parameter_base(key, description, type::type, what, detail::is_secret_type<T>),
      default_(std::move(value)) {}
  std::shared_ptr<const void> parse(const std::string* text) const override {
    auto v = std::make_shared<T>(default_);
    if (text != nullptr && !type::parse(*text, *v)) return nullptr;
    return v;
  }
  bool is_allowed(const void* value) const override {
    return valid_ == nullptr || valid_(*static_cast<const T*>(value));
  }
  std::string default_text() const override { return type::format(default_); }
  std::string pattern() const override {
    if constexpr (requires { type::pattern(); })
      return type::pattern();
    else
      return {};
  }
  T default_{};
  bool (*valid_)(const T&) = nullptr;
};

}  // namespace cloudflow
