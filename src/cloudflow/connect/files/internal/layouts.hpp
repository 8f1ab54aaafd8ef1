/// The layouts behind log_layout.hpp; private to this folder.
#pragma once

#include "cloudflow/connect/files/log_layout.hpp"

#include <memory>
#include <string_view>

namespace cloudflow::connect::detail {

std::unique_ptr<log_layout> make_zookeeper_layout();
std::unique_ptr<log_layout> make_log4j_layout();
std::unique_ptr<log_layout> make_logback_layout();
std::unique_ptr<log_layout> make_syslog_layout();
std::unique_ptr<log_layout> make_iso8601_layout();
std::unique_ptr<log_layout> make_json_layout();
/// Every line is invalid: no layout is known.
std::unique_ptr<log_layout> make_unknown_layout();

parsed_line invalid_line(std::string reason);
/// For a beginning that has the shape of a time and is none.
parsed_line impossible_time(std::string_view text);

inline std::string_view trim_left(std::string_view s) noexcept {
  while (s.starts_with(' ') || s.starts_with('\t')) s.remove_prefix(1);
  return s;
}
/// Takes what stands before the first space (or all) off the front of `s`.
inline std::string_view take_word(std::string_view& s) noexcept {
  std::size_t size = 0;
  while (size != s.size() && s[size] != ' ' && s[size] != '\t') ++size;
  const auto word = s.substr(0, size);
  s.remove_prefix(size);
  return word;
}
/// Takes `[...] ` off the front of `s` up to the first `]` before a space or the end.
inline bool take_brackets(std::string_view& s, std::string_view& inside) noexcept {
  if (!s.starts_with('[')) return false;
  for (auto close = s.find(']'); close != s.npos; close = s.find(']', close + 1)) {
    if (close + 1 != s.size() && s[close + 1] != ' ' && s[close + 1] != '\t') continue;
    inside = s.substr(1, close - 1);
    s.remove_prefix(close + 1);
    return true;
  }
  return false;
}
/// Takes `a.b.C:` off the front of `s`; false when the first word does not end in a colon.
inline bool take_logger(std::string_view& s, std::string_view& logger) noexcept {
  auto rest = s;
  const auto word = take_word(rest);
  if (word.size() < 2 || !word.ends_with(':')) return false;
  logger = word.substr(0, word.size() - 1);
  s = rest;
  return true;
}

}  // namespace cloudflow::connect::detail
