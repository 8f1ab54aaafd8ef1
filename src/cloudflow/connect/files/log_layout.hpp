/// Layouts of log files: what a line says, and which layout a file has.
#pragma once

#include "cloudflow/base/result.hpp"
#include "cloudflow/base/time.hpp"
#include "cloudflow/connect/files/log_time.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflow::connect {

/// What stands in the first line of a record. The texts are borrowed from the line, or from the
/// layout until its next `parse`. Parts a layout does not have are empty.
struct log_fields {
  timestamp time{};
  std::string_view level{};  ///< normalised, see level.hpp; empty: the line names none
  std::string_view thread{};
  std::string_view logger{};
  std::string_view message{};
};

enum class line_kind {
  record,        ///< begins a record
  continuation,  ///< begins none
  invalid,       ///< begins one that cannot be read; the reason says why
};

struct parsed_line {
  line_kind kind = line_kind::continuation;
  log_fields fields;
  std::string reason;
};

/// One layout. Confined to one thread (it may keep scratch space); create one for each object.
class log_layout {
public:
  virtual ~log_layout() = default;
  /// As in `known_layouts()`, or `pattern`.
  virtual std::string_view name() const noexcept = 0;
  /// What `line` (without its end) is, looked at alone.
  virtual parsed_line parse(std::string_view line, const time_context& context) = 0;
};

/// The names of the known layouts, in the order in which `auto` prefers them:
///
///   zookeeper  2015-07-29 17:41:44,747 - INFO  [thread:Class@123] - text
///   log4j      2015-10-18 18:01:47,978 INFO [main] a.b.C: text       ([thread] and logger may be
///   missing) logback    20:32:02.123 [main] WARN  a.b.C$ - text               (the date is the
///   object's) json       {"time": ..., "level": ..., "message": ...}           one object a line
///   syslog     <34>Oct 11 22:14:15 host su[71]: text   or   <165>1 2003-10-11T22:14:15.003Z host
///   app id - - text iso8601    any line that begins with a date and a time as in ISO 8601, with or
///   without zone
///
/// json reads time|timestamp|ts|@timestamp (text as ISO 8601, or a number since 1970),
/// level|severity, message|msg, logger, thread; without a message the whole line is the message.
std::vector<std::string_view> known_layouts();

struct log_layout_settings {
  /// `auto`, the name of a known layout, or an RE2 pattern that matches from the beginning of a
  /// line on, with the groups `time` and `message` and perhaps `level`, `thread`, `logger`:
  /// `(?P<time>...)` or `(?<time>...)`.
  std::string line_pattern = "auto";
  /// For a pattern: see `time_format`. Known layouts have their own.
  std::string time_format = "iso8601";
};

/// How files are to be read; checked once, at start. An immutable value; thread-safe.
class log_layouts {
public:
  /// Fails with what is wrong with the pattern or the time format.
  static result<log_layouts> make(log_layout_settings settings);

  /// How much of the beginning of an object `auto` looks at: this many bytes, and of them this many
  /// lines.
  static constexpr std::size_t head_bytes = 256 * 1024;
  static constexpr std::size_t head_lines = 200;

  /// The layout of an object that begins with `head`: its first `head_bytes`, or all of it. Depends
  /// on nothing else, so the same object is always read in the same way.
  ///
  /// `auto` takes the layout in which most of the first `head_lines` begin a record; among equals
  /// the first of `known_layouts()`, and iso8601 only where it is more than a quarter more than in
  /// any other. An object has one layout: lines in another one continue a record or are invalid; a
  /// file that mixes zookeeper and log4j in earnest is read as iso8601, which understands both.
  /// Where no line begins a record in any layout, every line of the object is invalid.
  std::unique_ptr<log_layout> choose(std::string_view head, const time_context& context) const;

private:
  struct pattern;
  std::string name_;
  std::shared_ptr<const pattern> pattern_;
};

}  // namespace cloudflow::connect
