#include "compare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace cloudflow::pipelines {

namespace {

std::string text_of(const row& r, bool with_trace) {
  auto text = fmt::format("{} {} {} {} '{}'", r.id, r.key, r.time, r.value, r.kind);
  if (with_trace) text += fmt::format(" {}", r.trace);
  return text;
}

class comparison {
public:
  std::vector<std::string> differences;

  void equal(const std::string& what, std::vector<std::string> found,
             std::vector<std::string> expected) {
    std::sort(found.begin(), found.end());
    std::sort(expected.begin(), expected.end());
    std::vector<std::string> missing, surplus;
    std::set_difference(expected.begin(), expected.end(), found.begin(), found.end(),
                        std::back_inserter(missing));
    std::set_difference(found.begin(), found.end(), expected.begin(), expected.end(),
                        std::back_inserter(surplus));
    say(what, "missing", missing);
    say(what, "too much", surplus);
  }
  void say(const std::string& what, const char* how, const std::vector<std::string>& all) {
    constexpr std::size_t most = 4;
    for (std::size_t i = 0; i != std::min(most, all.size()); ++i)
      differences.push_back(fmt::format("{}: {} {}", what, how, all[i]));
    if (all.size() > most)
      differences.push_back(fmt::format("{}: {} {} more", what, how, all.size() - most));
  }

  void outlet(const std::string& name, const std::vector<row>& found, const expected_outlet& e) {
    const bool has_traces =
        std::all_of(e.rows.begin(), e.rows.end(), [](const auto& r) { return r.has_trace; });
    std::vector<std::string> is, should_be;
    std::map<std::string, std::vector<std::string>> keys_is, keys_should_be;
    for (const auto& r : found) {
      is.push_back(text_of(r, has_traces));
      keys_is[r.key].push_back(is.back());
    }
    for (const auto& r : e.rows) {
      should_be.push_back(text_of(r.what, has_traces));
      keys_should_be[r.what.key].push_back(should_be.back());
    }
    const auto before = differences.size();
    equal(name, std::move(is), std::move(should_be));
    if (differences.size() != before || !e.is_ordered) return;
    for (const auto& [key, rows] : keys_should_be) {
      const auto& others = keys_is[key];
      const auto at = std::mismatch(rows.begin(), rows.end(), others.begin(), others.end());
      if (at.first != rows.end())
        differences.push_back(fmt::format("{}: key {}: out of order: {} where {} should be", name,
                                          key, *at.second, *at.first));
    }
  }
  /// Nothing but a beginning.
  void beginning(const std::string& name, const std::vector<row>& found, const expected_outlet& e) {
    std::vector<std::string> should_be;
    for (const auto& r : e.rows) should_be.push_back(text_of(r.what, false));
    for (const auto& r : found) {
      const auto at = std::find(should_be.begin(), should_be.end(), text_of(r, false));
      if (at == should_be.end())
        differences.push_back(fmt::format("{}: too much {}", name, text_of(r, false)));
      else
        should_be.erase(at);
    }
  }
  /// Each at least once.
  void contains(const std::string& name, const std::vector<row>& found, const expected_outlet& e) {
    std::set<std::string> ids;
    for (const auto& r : found) ids.insert(r.id);
    std::vector<std::string> missing;
    for (const auto& r : e.rows)
      if (!ids.contains(r.what.id)) missing.push_back(text_of(r.what, false));
    say(name, "missing", missing);
  }
  void answers(const std::vector<input_record>& input, const expectation& e, bool may_repeat) {
    for (std::size_t i = 0; i != input.size(); ++i) {
      const bool is_answered = clients().answered().contains(i), is_refused = e.refused.contains(i);
      if (is_answered && is_refused)
        differences.push_back("answered though it is refused: " + input[i].what.id);
      if (!is_answered && !is_refused && (!may_repeat || input[i].what.kind.empty()))
        differences.push_back("not answered: " + input[i].what.id);
    }
  }
  void effects_at_most(const expectation& e) {
    for (const auto& id : effects())
      if (!e.has_stopped && !e.possible_effects.contains(id))
        differences.push_back("effect: too much " + id);
  }
  void state(const std::string& name, const std::map<std::string, std::string>& found,
             const std::map<std::string, std::string>& expected) {
    std::vector<std::string> is, should_be;
    for (const auto& [key, value] : found) is.push_back(fmt::format("{} {}", key, value));
    for (const auto& [key, value] : expected) should_be.push_back(fmt::format("{} {}", key, value));
    equal("state " + name, is, should_be);
  }
};

}  // namespace

std::vector<std::string> compare(const pipeline& p, const scenario& s, const outcome& seen) {
  comparison c;
  const auto expected = model_of(p, seen.input, s.given);
  if (!seen.failure.empty() && !expected.has_stopped) c.differences.push_back(seen.failure);
  if (seen.failure.empty() && expected.has_stopped)
    c.differences.emplace_back("it goes on behind a record at which it has to stop");
  const auto& sends = clients().sends();
  const bool may_repeat =
      std::any_of(sends.begin(), sends.end(), [](const auto& n) { return n.second > 1; });
  for (const auto& [name, found] : seen.rows) {
    const auto& should_be = expected.outlets.at(name);
    if (expected.has_stopped)
      c.beginning(name, found, should_be);
    else if (may_repeat)
      c.contains(name, found, should_be);
    else
      c.outlet(name, found, should_be);
  }
  if (p.has_source) c.answers(seen.input, expected, may_repeat);
  c.effects_at_most(expected);
  if (expected.has_stopped || may_repeat) return c.differences;
  for (const auto& id : expected.effects)
    if (!effects().contains(id)) c.differences.push_back("effect: missing " + id);
  c.equal("letters", seen.letters, expected.letters);
  for (const auto& [name, keys] : expected.states) c.state(name, seen.states.at(name), keys);
  return c.differences;
}

}  // namespace cloudflow::pipelines
