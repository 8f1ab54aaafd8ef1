#include "cloudflow/runtime/crash_history.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace cloudflow::runtime {

namespace {

template <class Int>
bool read(std::string_view text, Int& into) {
  const auto done = std::from_chars(text.data(), text.data() + text.size(), into);
  return done.ec == std::errc{} && done.ptr == text.data() + text.size();
}

/// The members in their order, separated by tabs; `how` is the rest of the line.
std::optional<crash_suspect> parse(std::string_view line) {
  std::array<std::string_view, 6> members;
  for (auto& member : members) {
    const auto end = line.find('\t');
    if (end == std::string_view::npos) return {};
    member = line.substr(0, end);
    line.remove_prefix(end + 1);
  }
  crash_suspect s{.streamlet = std::string{members[0]}, .topic = std::string{members[1]}};
  if (!read(members[2], s.partition) || !read(members[3], s.first) || !read(members[4], s.last) ||
      !read(members[5], s.crashes))
    return {};
  s.how = line;
  return s;
}

}  // namespace

std::string crash_suspect::reason() const {
  return fmt::format("the process has ended {} times at this record, with {}", crashes, how);
}

/// The records that both crashes were in are those that are left to look at.
void crash_history::add(const crash& c) {
  if (c.topic.empty()) return;
  const auto known = std::ranges::find_if(suspects_, [&c](const crash_suspect& s) {
    return s.streamlet == c.streamlet && s.is_of(c.topic, c.partition) && s.first <= c.last &&
           c.first <= s.last;
  });
  if (known == suspects_.end()) {
    suspects_.push_back({c.streamlet, c.topic, c.partition, c.first, c.last, 1, c.how});
    return;
  }
  known->first = std::max(known->first, c.first);
  known->last = std::min(known->last, c.last);
  known->how = c.how;
  ++known->crashes;
}

std::vector<crash_suspect> crash_history::of(std::string_view streamlet) const {
  std::vector<crash_suspect> some;
  std::ranges::copy_if(suspects_, std::back_inserter(some),
                       [&](const crash_suspect& s) { return s.streamlet == streamlet; });
  return some;
}

std::string crash_history::to_text() const {
  std::string text;
  for (const auto& s : suspects_)
    text += fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}\n", s.streamlet, s.topic, s.partition, s.first,
                        s.last, s.crashes, s.how);
  return text;
}

crash_history crash_history::from_text(std::string_view text) {
  crash_history history;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    if (auto s = parse(text.substr(0, end))) history.suspects_.push_back(*std::move(s));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return history;
}

}  // namespace cloudflow::runtime
