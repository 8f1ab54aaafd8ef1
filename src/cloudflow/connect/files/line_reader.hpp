#pragma once

#include "cloudflow/connect/files/object_store.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace cloudflow::connect {

/// Where a line begins: reading resumes exactly there.
struct line_position {
  std::uint64_t byte = 0;
  std::uint64_t line = 1;  ///< counted from 1

  bool operator==(const line_position&) const = default;
};

struct text_line {
  /// Without its end; always valid UTF-8 (NUL bytes stay). Borrowed from the reader until its next
  /// call.
  std::string_view text;
  line_position at;
  std::uint64_t dropped_bytes = 0;  ///< cut off because the line is longer than the limit
};

/// Splits an object into lines, a chunk at a time: the memory used is a chunk and a line, whatever
/// the size of the object.
///
/// A line ends with LF or CR LF, or with the object. A byte order mark at the very beginning is
/// skipped; bytes that are no UTF-8 become U+FFFD. A line over the limit is cut there, at a whole
/// character. Confined to one thread; refers to the object it reads.
class line_reader {
public:
  struct options {
    std::size_t chunk = 256 * 1024;        ///< bytes read at once; at least 1
    std::size_t line_limit = 1024 * 1024;  ///< bytes of a line that are kept; at least 1
  };

  explicit line_reader(stored_object& object, line_position from = {});
  line_reader(stored_object& object, line_position from, options how);

  /// The next line; none at the end. After an error the same call may be repeated.
  object_result<std::optional<text_line>> next();
  /// Where the next line begins.
  line_position position() const noexcept { return next_; }

private:
  object_result<std::size_t> fill();
  object_result<std::size_t> skip_byte_order_mark();
  void drop_what_is_over_the_limit();
  text_line take(std::size_t size, std::size_t with_end);

  stored_object& object_;
  options how_;
  std::unique_ptr<char[]> buf_;
  std::size_t begin_ = 0, end_ = 0;  // what is read and not yet given out
  std::size_t scanned_ = 0;          // of that, known to hold no line end
  std::uint64_t skipped_ = 0;        // bytes of a too long line that are dropped already
  bool skipped_cr_ = false;          // the last of them is a CR
  std::uint64_t read_at_ = 0;        // the object's byte behind the buffer
  line_position next_;
  bool started_ = false, at_end_ = false;
  std::string repaired_;
};

}  // namespace cloudflow::connect
