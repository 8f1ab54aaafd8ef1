#pragma once

#include <string>
#include <string_view>

namespace cloudflow::connect {

/// One name for each level, whatever a program calls it; letter case does not matter:
///
///   TRACE  trace finest finer verbose         WARN   warn warning
///   DEBUG  debug fine                         ERROR  error err severe
///   INFO   info information informational notice config
///   FATAL  fatal critical crit alert emerg emergency panic
///
/// A fatal record stays FATAL and is not counted as ERROR. Empty for every other word.
std::string_view known_level(std::string_view word) noexcept;

/// `known_level` of a word that is all upper or all lower case; empty for others: with `Error` a
/// sentence begins.
std::string_view level_of_word(std::string_view word) noexcept;

/// The level of one of syslog's severities, 0 to 7 (RFC 5424, table 2).
std::string_view level_of_severity(int severity) noexcept;

/// `known_level`, or the word in upper case, kept in `scratch`.
std::string_view normalised_level(std::string_view word, std::string& scratch);

}  // namespace cloudflow::connect
