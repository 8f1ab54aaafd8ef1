#pragma once

#include "cloudflow/connect/files/line_reader.hpp"
#include "cloudflow/connect/files/log_layout.hpp"
#include "cloudflow/connect/files/object_store.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace cloudflow::connect {

/// A record of a log with all its lines, or a line that belongs to none.
struct log_item {
  /// Empty for a record; else why the line is none.
  std::string_view reason;
  /// Of a record. The message has its continuation lines, with a line feed before each.
  log_fields fields;
  /// Of an invalid line: the line.
  std::string_view text;
  /// Where its first line begins.
  line_position at;
  /// How many lines of the object it is made of: 1 and the continuation lines.
  std::uint64_t lines = 1;
  /// Bytes that are not in the message or text because a line or the record is too long; the
  /// message then ends with a line that says so.
  std::uint64_t dropped_bytes = 0;

  bool is_record() const noexcept { return reason.empty(); }
};

/// What was given out; `records + continuations + invalid` are the lines.
struct log_counters {
  std::uint64_t records = 0, continuations = 0, invalid = 0;

  std::uint64_t lines() const noexcept { return records + continuations + invalid; }
  bool operator==(const log_counters&) const = default;
};

/// The records of one object, in its order.
///
/// A line that does not begin a record continues the one before it. Where there is none before it,
/// at the beginning or behind an invalid line, it is invalid itself: nothing is added to a record
/// that it does not follow directly.
///
/// Processing may stop between any two items, be committed with `cursor()`, and go on in another
/// process: from the same cursor on, the same items follow. Memory is bounded by the limits; a
/// record of very many lines is read over without being kept. Confined to one thread; refers to the
/// object.
class log_records {
public:
  struct options {
    std::size_t record_limit = 1024 * 1024;  ///< bytes of a message that are kept
    line_reader::options lines;
    /// Of times without zone.
    std::chrono::minutes time_zone{0};
  };

  /// Reads the head of the object to choose its layout, then goes to `from`.
  static object_result<std::unique_ptr<log_records>> open(stored_object& object,
                                                          const log_layouts& layouts,
                                                          line_position from = {});
  static object_result<std::unique_ptr<log_records>> open(stored_object& object,
                                                          const log_layouts& layouts,
                                                          line_position from, options how);

  /// The next item; none at the end of the object. What it borrows is valid until the next call.
  /// After an error the same call may be repeated.
  object_result<std::optional<log_item>> next();
  /// Where the first line begins that no item given out has.
  line_position cursor() const noexcept { return cursor_; }
  /// Of this reader, since `from`.
  const log_counters& counters() const noexcept { return counters_; }
  const log_layout& layout() const noexcept { return *layout_; }

private:
  struct record_text {
    bool there = false, is_full = false;
    timestamp time{};
    std::string level, thread, logger, message;
    line_position at;
    std::uint64_t lines = 0, dropped = 0;
  };
  struct invalid_text {
    bool there = false;
    std::string text, reason;
    line_position at;
    std::uint64_t dropped = 0;
  };

  log_records(stored_object& object, std::unique_ptr<log_layout> layout, line_position from,
              const options& how);
  void begin_record(const text_line& line, const log_fields& fields);
  void continue_record(const text_line& line);
  void append(std::string_view text);
  void end_record() noexcept;
  void keep_invalid(const text_line& line, parsed_line parsed);
  log_item give_record();
  log_item give_invalid();

  options how_;
  line_reader lines_;
  std::unique_ptr<log_layout> layout_;
  time_context context_;
  record_text begun_;     // its last line is not known yet
  record_text ended_;     // given out, or about to be
  invalid_text invalid_;  // the line that ended a record
  line_position cursor_;
  log_counters counters_;
};

}  // namespace cloudflow::connect
