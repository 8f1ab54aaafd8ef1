/// Schemas of C++ types, written at compile time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
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

/// Text that grows while the compiler runs; defines each record once. (A std::string would be no
/// constant expression for clang 16 with this standard library.)
class type_text {
public:
  constexpr void put(char c) { text_.at(size_++) = c; }
  constexpr void put(std::string_view text) {
    for (const char c : text) put(c);
  }
  constexpr void put_number(std::intmax_t value) {
    if (value >= 10) put_number(value / 10);
    put(static_cast<char>('0' + value % 10));
  }
  /// False when the record was defined before: its name says it all. `put_record_name` appends to
  /// the text it gets.
  template <class PutName>
  constexpr bool begin_record(PutName put_record_name) {
    const auto start = size_;
    put(R"({"type":"record","name":")");
    put_record_name(*this);
    put(R"(","fields":[)");
    if (view().substr(0, start).find(view().substr(start)) == std::string_view::npos) return true;
    size_ = start;
    put('"');
    put_record_name(*this);
    put('"');
    return false;
  }
  /// A record that is named after a type.
  template <class Record>
  constexpr bool begin_record() {
    return begin_record([](type_text& text) { text.put_name(raw_type_name<Record>()); });
  }
  constexpr void begin_field(std::size_t index, std::string_view name) {
    put(index == 0 ? R"({"name":")" : R"(,{"name":")");
    put_identifier(name);
    put(R"(","type":)");
  }
  /// Of a member without a name.
  constexpr void begin_field(std::size_t index) {
    put(index == 0 ? R"({"name":"f)" : R"(,{"name":"f)");
    put_number(static_cast<std::intmax_t>(index));
    put(R"(","type":)");
  }
  /// Avro takes ASCII alone: the bytes of other dead letters are written as numbers.
  constexpr void put_identifier(std::string_view name) {
    for (const char c : name) {
      if (is_word(c)) {
        put(c);
      } else {
        constexpr std::string_view digits = "0123456789abcdef";
        put("_x");
        put(digits[static_cast<unsigned char>(c) >> 4U]);
        put(digits[static_cast<unsigned char>(c) & 15U]);
      }
    }
  }
  constexpr std::string_view view() const { return {text_.data(), size_}; }

  /// As a full name of Avro: namespaces with dots, whatever a name may not contain as `_`.
  constexpr void put_name(std::string_view raw) {
    for (const std::string_view unnamed : {"{anonymous}::", "(anonymous namespace)::"})
      if (raw.starts_with(unnamed)) raw.remove_prefix(unnamed.size());
    std::size_t depth = 0;
    for (std::size_t i = 0; i != raw.size(); ++i) {
      const char c = raw[i];
      depth += c == '<' ? 1U : 0U;
      depth -= c == '>' ? 1U : 0U;
      const bool is_separator = depth == 0 && c == ':' && i + 1 != raw.size() && raw[i + 1] == ':';
      put(is_word(c) ? c : is_separator ? '.' : '_');
      if (is_separator) ++i;
    }
  }

private:
  static constexpr bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  }

  static constexpr std::size_t longest = 16'384;  // a longer schema does not compile
  std::array<char, longest> text_{};
  std::size_t size_ = 0;
};

}  // namespace cloudflow::schema::detail
