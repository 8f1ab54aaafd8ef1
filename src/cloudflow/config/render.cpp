#include "cloudflow/config/render.hpp"

#include "cloudflow/config/value.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <system_error>

namespace cloudflow::config {

namespace detail {

namespace {

void add_quoted(std::string& out, std::string_view text) {
  constexpr std::string_view escaped = "\"\\\b\f\n\r\t";
  constexpr std::string_view letters = "\"\\bfnrt";
  out.push_back('"');
  for (const char c : text) {
    const auto i = escaped.find(c);
    if (i != std::string_view::npos) {
      out.push_back('\\');
      out.push_back(letters[i]);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

// The layout of java.lang.Double.toString over the shortest digits that read back as the same
// number.
std::string java_double(double d) {
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), std::abs(d),
                                 std::chars_format::scientific);
  const std::string_view text{buffer.data(), static_cast<std::size_t>(end.ptr - buffer.data())};
  const auto e = text.find('e');
  int exponent = 0;
  const auto* digits_of_exponent = text.data() + e + (text[e + 1] == '+' ? 2 : 1);
  std::from_chars(digits_of_exponent, text.data() + text.size(), exponent);
  std::string digits{text.substr(0, 1)};
  if (e > 2) digits += text.substr(2, e - 2);
  const std::string sign = std::signbit(d) ? "-" : "";
  if (exponent < -3 || exponent > 6) {
    const auto fraction = digits.size() > 1 ? digits.substr(1) : "0";
    return fmt::format("{}{}.{}E{}", sign, digits[0], fraction, exponent);
  }
  if (exponent < 0) {
    return sign + "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
  }
  const auto whole = static_cast<std::size_t>(exponent) + 1;
  if (digits.size() <= whole) digits.resize(whole + 1, '0');
  return sign + digits.substr(0, whole) + "." + digits.substr(whole);
}

std::string from_double(double d) {
  constexpr double two_to_63 = 9223372036854775808.0;
  // JSON has no infinity; this reads back as one.
  if (std::isinf(d)) return d < 0 ? "-1e999" : "1e999";
  if (d == two_to_63) return "9223372036854775807";
  if (d >= -two_to_63 && d < two_to_63 && std::trunc(d) == d) {
    return std::to_string(static_cast<std::int64_t>(d));
  }
  return java_double(d);
}

}  // namespace

std::string quoted(std::string_view text) {
  std::string out;
  add_quoted(out, text);
  return out;
}

std::string canonical_number(std::string_view text) {
  const auto* end = text.data() + text.size();
  std::int64_t whole = 0;
  const auto as_whole = std::from_chars(text.data(), end, whole);
  if (as_whole.ec == std::errc{} && as_whole.ptr == end) return std::to_string(whole);
  double d = 0;
  const auto as_double = std::from_chars(text.data(), end, d);
  if (as_double.ec == std::errc::result_out_of_range) {
    // from_chars does not say in which direction: a negative exponent means too small.
    const auto tiny = text.find("e-") != std::string_view::npos ||
                      text.find("E-") != std::string_view::npos ||
                      text.find_first_of("eE") == std::string_view::npos;
    d = tiny ? 0 : (text.starts_with('-') ? -HUGE_VAL : HUGE_VAL);
  }
  return from_double(d);
}

}  // namespace detail

namespace {

void write(std::string& out, const value& v);

void write(std::string& out, const value::list& items) {
  out.push_back('[');
  for (const auto& item : items) {
    if (&item != items.data()) out.push_back(',');
    write(out, item);
  }
  out.push_back(']');
}

void write(std::string& out, const value::object& members) {
  out.push_back('{');
  for (const auto& m : members) {
    if (&m != members.data()) out.push_back(',');
    detail::add_quoted(out, m.key);
    out.push_back(':');
    write(out, m.content);
  }
  out.push_back('}');
}

void write(std::string& out, const value& v) {
  if (const auto* b = v.as_bool()) {
    out += *b ? "true" : "false";
  } else if (const auto* n = v.as_number()) {
    out += detail::canonical_number(n->text);
  } else if (const auto* s = v.as_string()) {
    detail::add_quoted(out, *s);
  } else if (const auto* items = v.as_list()) {
    write(out, *items);
  } else if (const auto* members = v.as_object()) {
    write(out, *members);
  } else {
    out += "null";
  }
}

}  // namespace

std::string to_json(const value& v) {
  std::string out;
  write(out, v);
  return out;
}

}  // namespace cloudflow::config
