#include "cloudflow/operate/offset_set.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>

namespace cloudflow::operate {

namespace {

/// Takes a number from the front of `text`; none when there is none.
std::optional<record_offset> take_offset(std::string_view& text) {
  std::int64_t n = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (code != std::errc{} || n < 0) return {};
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return record_offset{n};
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::optional<offset_set> offset_set::parse(std::string_view text) {
  offset_set all;
  do {
    const auto first = take_offset(text);
    const auto last = first && take(text, '-') ? take_offset(text) : first;
    if (!last || *last < *first) return {};
    all.add(*first, *last);
  } while (take(text, ','));
  if (!text.empty()) return {};
  return all;
}

void offset_set::add(record_offset first, record_offset last) {
  auto at = ranges_.upper_bound(first);
  // Ranges that overlap or touch become one.
  if (at != ranges_.begin() && first - std::prev(at)->second <= 1) --at;
  while (at != ranges_.end() && at->first - last <= 1) {
    first = std::min(first, at->first);
    last = std::max(last, at->second);
    at = ranges_.erase(at);
  }
  ranges_.emplace(first, last);
}

void offset_set::add(const offset_set& other) {
  for (const auto& [first, last] : other.ranges_) add(first, last);
}

bool offset_set::has(record_offset offset) const {
  const auto behind = ranges_.upper_bound(offset);
  return behind != ranges_.begin() && offset <= std::prev(behind)->second;
}

std::string offset_set::text() const {
  std::string out;
  for (const auto& [first, last] : ranges_) {
    if (!out.empty()) out += ',';
    out += std::to_string(first.value());
    if (last != first) out += fmt::format("-{}", last.value());
  }
  return out;
}

}  // namespace cloudflow::operate
