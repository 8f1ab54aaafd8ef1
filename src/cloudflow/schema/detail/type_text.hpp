/// Schemas of C++ types, written at compile time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace cloudflow::schema::detail {

/// `T` as the compiler writes it.
template <class T>
constexpr std::string_view raw_type_name() {
  std::string_view s = __PRETTY_FUNCTION__;
  s.remove_prefix(s.find("T = ") + 4);
  const auto more = s.find("; std::string_view");  // gcc appends what other names stand for
  return s.substr(0, more != std::string_view::npos ? more : s.rfind(']'));
}

/// `T` as a full name of Avro: namespaces with dots, whatever a name may not contain as `_`.
template <class T>
constexpr std::string type_name() {
  std::string out;
  auto raw = raw_type_name<T>();
  for (const std::string_view unnamed : {"{anonymous}::", "(anonymous namespace)::"})
    if (raw.starts_with(unnamed)) raw.remove_prefix(unnamed.size());
  std::size_t depth = 0;
  for (std::size_t i = 0; i != raw.size(); ++i) {
    const char c = raw[i];
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    depth += c == '<' ? 1U : 0U;
    depth -= c == '>' ? 1U : 0U;
    if (is_letter || (c >= '0' && c <= '9'))
      out += c;
    else if (depth == 0 && c == ':' && i + 1 != raw.size() && raw[i + 1] == ':')
      out += '.', ++i;
    else
      out += '_';
  }
  return out;
}

/// Text that grows while the compiler runs; defines each record once.
class type_text {
public:
  constexpr void put(std::string_view text) { out_ += text; }
  constexpr void put_number(std::intmax_t value) {
    if (value >= 10) put_number(value / 10);
    out_ += static_cast<char>('0' + value % 10);
  }
  /// False when the record was defined before: its name says it all.
  constexpr bool begin_record(std::string_view name) {
    // Fields are in the record's namespace; the name is therefore always given in full.
    std::string begin = R"({"type":"record","name":")";
    begin += name;
    begin += R"(","fields":[)";
    if (out_.find(begin) == std::string::npos) {
      out_ += begin;
      return true;
    }
    out_ += '"';
    out_ += name;
    out_ += '"';
    return false;
  }
  constexpr void begin_field(std::size_t index) {
    out_ += index == 0 ? R"({"name":"f)" : R"(,{"name":"f)";
    put_number(static_cast<std::intmax_t>(index));
    out_ += R"(","type":)";
  }
  constexpr std::string_view view() const { return out_; }

private:
  std::string out_;
};

}  // namespace cloudflow::schema::detail
