#include "cloudflow/connect/files/level.hpp"

#include <array>
#include <utility>

namespace cloudflow::connect {

namespace {

constexpr char upper(char c) noexcept {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c & ~0x20) : c;
}

constexpr std::size_t longest = 13;

constexpr std::array<std::pair<std::string_view, std::string_view>, 23> names{{
    {"INFO", "INFO"},       {"WARN", "WARN"},        {"ERROR", "ERROR"},
    {"DEBUG", "DEBUG"},     {"TRACE", "TRACE"},      {"FATAL", "FATAL"},
    {"WARNING", "WARN"},    {"ERR", "ERROR"},        {"SEVERE", "ERROR"},
    {"NOTICE", "INFO"},     {"INFORMATION", "INFO"}, {"INFORMATIONAL", "INFO"},
    {"CONFIG", "INFO"},     {"FINE", "DEBUG"},       {"FINER", "TRACE"},
    {"FINEST", "TRACE"},    {"VERBOSE", "TRACE"},    {"CRITICAL", "FATAL"},
    {"CRIT", "FATAL"},      {"ALERT", "FATAL"},      {"EMERG", "FATAL"},
    {"EMERGENCY", "FATAL"}, {"PANIC", "FATAL"},
}};

}  // namespace

std::string_view known_level(std::string_view word) noexcept {
  if (word.size() < 3 || word.size() > longest) return {};
  std::array<char, longest> buf{};
  for (std::size_t i = 0; i != word.size(); ++i) buf[i] = upper(word[i]);
  const std::string_view folded{buf.data(), word.size()};
  for (const auto& [name, level] : names)
    if (folded == name) return level;
  return {};
}

std::string_view level_of_word(std::string_view word) noexcept {
  bool has_upper = false, has_lower = false;
  for (const char c : word) {
    has_upper = has_upper || (c >= 'A' && c <= 'Z');
    has_lower = has_lower || (c >= 'a' && c <= 'z');
  }
  return has_upper != has_lower ? known_level(word) : std::string_view{};
}

std::string_view level_of_severity(int severity) noexcept {
  switch (severity) {
    case 0:
    case 1:
    case 2: return "FATAL";
    case 3: return "ERROR";
    case 4: return "WARN";
    case 5:
    case 6: return "INFO";
    case 7: return "DEBUG";
    default: return {};
  }
}

std::string_view normalised_level(std::string_view word, std::string& scratch) {
  if (const auto level = known_level(word); !level.empty()) return level;
  scratch.clear();
  for (const char c : word) scratch += upper(c);
  return scratch;
}

}  // namespace cloudflow::connect
