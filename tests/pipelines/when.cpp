#include "when.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace cloudflow::pipelines {

std::vector<call>& calls() {
  static std::vector<call> c;
  return c;
}
std::optional<std::size_t> number_of(std::string_view id) {
  if (id.size() < 2 || id[0] != 'r') return {};
  std::size_t number = 0;
  std::from_chars(id.data() + 1, id.data() + id.size(), number);
  return number;
}

void answers::watch(const pipeline& p, const scenario& s) {
  std::vector<row> all;
  if (p.has_source)
    for (const auto& r : s.input) all.push_back(r.what);
  clients().reset(std::move(all), s.records_in_a_poll, [this, input = &s.input](std::size_t i) {
    new_.push_back(number_of((*input)[i].what.id).value());
  });
}
void answers::look() {
  for (const auto number : std::exchange(new_, {})) rows_then_[number] = rows_of_(number);
}
void answers::expect_whole(const scenario& s, std::vector<std::string>& differences) const {
  // Behind a transaction that somebody left open nobody sees what is durable.
  if (s.log == log_kind::kafka && !s.is_calm()) return;
  const auto& sends = clients().sends();
  std::map<std::size_t, int> times;
  for (std::size_t i = 0; i != s.input.size(); ++i)
    if (const auto sent = sends.find(i); sent != sends.end() && !is_parked_once(s.input[i].what))
      times[number_of(s.input[i].what.id).value()] += sent->second;
  for (const auto& [number, then] : rows_then_)
    if (const auto now = rows_of_(number); times[number] == 1 && then != now)
      differences.push_back(
          fmt::format("r{} was answered with {} of its {} rows", number, then, now));
}

void expect_nothing_overtakes(const scenario& s, std::vector<std::string>& differences) {
  const bool is_smooth = std::all_of(s.input.begin(), s.input.end(), [](const auto& r) {
    return r.what.kind.empty() && !r.is_garbage;
  });
  if (!s.is_calm() || !is_smooth || s.given.partitions != 1) return;
  std::size_t latest = 0;
  for (const auto& c : calls()) {
    if (c.stage == 0) {
      latest = c.number;
    } else if (c.number < latest) {
      differences.push_back(fmt::format("r{} was begun while r{} was expanded", latest, c.number));
      return;
    }
  }
}

}  // namespace cloudflow::pipelines
