#include "cloudflow/connect/files/line_reader.hpp"

#include "cloudflow/connect/files/internal/utf8.hpp"

#include <algorithm>
#include <cstring>

namespace cloudflow::connect {

namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

std::size_t buffer_size(const line_reader::options& how) {
  // One byte more for the CR that a line of exactly the limit may have.
  return how.line_limit + 1 + how.chunk + byte_order_mark.size();
}

}  // namespace

line_reader::line_reader(stored_object& object, line_position from)
  : line_reader(object, from, options{}) {}

line_reader::line_reader(stored_object& object, line_position from, options how)
  : object_(object),
    how_(how),
    buf_(std::make_unique_for_overwrite<char[]>(buffer_size(how))),
    read_at_(from.byte),
    next_(from) {}

object_result<std::optional<text_line>> line_reader::next() {
  if (!started_) {
    CLOUDFLOW_TRY(skip_byte_order_mark());
  }
  for (;;) {
    const auto* from = buf_.get() + begin_;
    const auto size = end_ - begin_;
    const auto* found =
        static_cast<const char*>(std::memchr(from + scanned_, '\n', size - scanned_));
    if (found != nullptr) {
      const auto length = static_cast<std::size_t>(found - from);
      return std::optional{take(length, length + 1)};
    }
    scanned_ = size;
    if (at_end_) return size == 0 ? std::optional<text_line>{} : std::optional{take(size, size)};
    if (size > how_.line_limit + 1) drop_what_is_over_the_limit();
    CLOUDFLOW_TRY(fill());
  }
}

/// Appends a chunk; returns how much is in the buffer.
object_result<std::size_t> line_reader::fill() {
  if (begin_ != 0) {
    std::memmove(buf_.get(), buf_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  auto got = CLOUDFLOW_TRY(object_.read(read_at_, {buf_.get() + end_, how_.chunk}));
  end_ += got;
  read_at_ += got;
  at_end_ = got < how_.chunk;
  return end_;
}

object_result<std::size_t> line_reader::skip_byte_order_mark() {
  while (next_.byte == 0 && end_ < byte_order_mark.size() && !at_end_) {
    CLOUDFLOW_TRY(fill());
  }
  started_ = true;
  if (next_.byte == 0 && std::string_view{buf_.get(), end_}.starts_with(byte_order_mark)) {
    begin_ = byte_order_mark.size();
    next_.byte = byte_order_mark.size();
  }
  return end_;
}

void line_reader::drop_what_is_over_the_limit() {
  const auto over = end_ - begin_ - how_.line_limit;
  skipped_ += over;
  skipped_cr_ = buf_[end_ - 1] == '\r';
  end_ -= over;
  scanned_ = how_.line_limit;
}

text_line line_reader::take(std::size_t size, std::size_t with_end) {
  std::string_view text{buf_.get() + begin_, size};
  auto dropped = skipped_;
  const bool is_whole = skipped_ == 0 || size > how_.line_limit;
  if (is_whole && text.ends_with('\r')) text.remove_suffix(1);
  if (!is_whole && skipped_cr_) --dropped;
  if (text.size() > how_.line_limit || dropped != 0) {
    const auto kept = utf8_prefix(text, how_.line_limit);
    dropped += text.size() - kept.size();
    text = kept;
  }
  if (!is_utf8(text)) {
    repaired_.clear();
    append_as_utf8(text, repaired_);
    text = repaired_;
  }
  const text_line line{text, next_, dropped};
  next_ = {next_.byte + with_end + skipped_, next_.line + 1};
  begin_ += with_end;
  scanned_ = 0;
  skipped_ = 0;
  skipped_cr_ = false;
  return line;
}

}  // namespace cloudflow::connect
