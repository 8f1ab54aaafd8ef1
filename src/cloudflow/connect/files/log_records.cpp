#include "cloudflow/connect/files/log_records.hpp"

#include "cloudflow/connect/files/internal/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace cloudflow::connect {

namespace {

constexpr std::string_view nothing_to_continue =
    "it begins no record, and there is no record before it that it could continue";

void say_what_is_dropped(std::string& text, std::uint64_t bytes) {
  if (bytes != 0) fmt::format_to(std::back_inserter(text), "\n[{} bytes cut off]", bytes);
}

}  // namespace

object_result<std::unique_ptr<log_records>> log_records::open(stored_object& object,
                                                              const log_layouts& layouts,
                                                              line_position from) {
  return open(object, layouts, from, options{});
}

object_result<std::unique_ptr<log_records>> log_records::open(stored_object& object,
                                                              const log_layouts& layouts,
                                                              line_position from, options how) {
  std::string head(log_layouts::head_bytes, '\0');
  auto got = CLOUDFLOW_TRY(object.read(0, head));
  head.resize(got);
  const time_context context{object.info().last_modified, how.time_zone};
  return std::unique_ptr<log_records>{
      new log_records{object, layouts.choose(head, context), from, how}};
}

log_records::log_records(stored_object& object, std::unique_ptr<log_layout> layout,
                         line_position from, const options& how)
  : how_(how),
    lines_(object, from, how.lines),
    layout_(std::move(layout)),
    context_{object.info().last_modified, how.time_zone},
    cursor_(from) {}

object_result<std::optional<log_item>> log_records::next() {
  if (invalid_.there) return std::optional{give_invalid()};
  for (;;) {
    const auto line = CLOUDFLOW_TRY(lines_.next());
    if (!line && !begun_.there) return std::optional<log_item>{};
    if (!line) {
      end_record();
      return std::optional{give_record()};
    }
    auto parsed = layout_->parse(line->text, context_);
    if (parsed.kind == line_kind::continuation && begun_.there) {
      continue_record(*line);
      continue;
    }
    const bool ends_one = begun_.there;
    end_record();
    if (parsed.kind == line_kind::record)
      begin_record(*line, parsed.fields);
    else
      keep_invalid(*line, std::move(parsed));
    if (ends_one) return std::optional{give_record()};
    if (invalid_.there) return std::optional{give_invalid()};
  }
}

void log_records::end_record() noexcept {
  std::swap(begun_, ended_);
  begun_.there = false;
}

void log_records::begin_record(const text_line& line, const log_fields& fields) {
  begun_.there = true;
  begun_.time = fields.time;
  begun_.level = fields.level;
  begun_.thread = fields.thread;
  begun_.logger = fields.logger;
  begun_.message.clear();
  begun_.at = line.at;
  begun_.lines = 1;
  begun_.dropped = line.dropped_bytes;
  append(fields.message);
}

void log_records::continue_record(const text_line& line) {
  ++begun_.lines;
  begun_.dropped += line.dropped_bytes;
  if (!begun_.is_full && begun_.message.size() < how_.record_limit) {
    begun_.message += '\n';
    append(line.text);
  } else {
    begun_.dropped += line.text.size() + 1;
  }
}

void log_records::append(std::string_view text) {
  const auto kept =
      utf8_prefix(text, how_.record_limit - std::min(how_.record_limit, begun_.message.size()));
  begun_.message += kept;
  begun_.dropped += text.size() - kept.size();
  begun_.is_full = kept.size() != text.size();
}

void log_records::keep_invalid(const text_line& line, parsed_line parsed) {
  invalid_.there = true;
  invalid_.text = line.text;
  if (parsed.kind == line_kind::invalid)
    invalid_.reason = std::move(parsed.reason);
  else
    invalid_.reason = nothing_to_continue;
  invalid_.at = line.at;
  invalid_.dropped = line.dropped_bytes;
  say_what_is_dropped(invalid_.text, line.dropped_bytes);
}

log_item log_records::give_record() {
  say_what_is_dropped(ended_.message, ended_.dropped);
  cursor_ = begun_.there ? begun_.at : invalid_.there ? invalid_.at : lines_.position();
  ++counters_.records;
  counters_.continuations += ended_.lines - 1;
  return {.reason = {},
          .fields = {ended_.time, ended_.level, ended_.thread, ended_.logger, ended_.message},
          .text = {},
          .at = ended_.at,
          .lines = ended_.lines,
          .dropped_bytes = ended_.dropped};
}

log_item log_records::give_invalid() {
  invalid_.there = false;
  cursor_ = lines_.position();
  ++counters_.invalid;
  return {.reason = invalid_.reason,
          .fields = {},
          .text = invalid_.text,
          .at = invalid_.at,
          .lines = 1,
          .dropped_bytes = invalid_.dropped};
}

}  // namespace cloudflow::connect
