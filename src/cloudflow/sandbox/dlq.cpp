#include "cloudflow/sandbox/dlq.hpp"

#include "cloudflow/flow/boundary.hpp"
#include "cloudflow/operate/dead_letters.hpp"
#include "cloudflow/operate/record_text.hpp"
#include "cloudflow/operate/table.hpp"
#include "cloudflow/pubsub/dead_letter.hpp"
#include "cloudflow/sandbox/print.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>

namespace cloudflow::sandbox {

namespace {

using operate::dead_letter, operate::dead_letter_topic, operate::letter_filter,
    operate::letter_summary, operate::table;

constexpr std::size_t most_reasons = 5;

result<letter_filter> filter_of(const letter_options& options) {
  letter_filter filter{.offsets = {}, .reason = options.reason};
  for (const auto& text : options.offsets) {
    const auto some = operate::offset_set::parse(text);
    if (!some)
      return error{fmt::format("--offset {}: write an offset, or a range such as 3-7", text)};
    if (!filter.offsets) filter.offsets.emplace();
    filter.offsets->add(*some);
  }
  return filter;
}

// -- ls -------------------------------------------------------------------------------------------

/// The most frequent first.
std::vector<std::pair<std::string, std::uint64_t>> top_reasons(const letter_summary& sum) {
  std::vector<std::pair<std::string, std::uint64_t>> all{sum.reasons.begin(), sum.reasons.end()};
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  if (all.size() > most_reasons) all.resize(most_reasons);
  return all;
}

json to_json(const dead_letter_topic& letters, const letter_summary& sum) {
  auto reasons = json::array();
  for (const auto& [reason, count] : top_reasons(sum))
    reasons.push_back({{"reason", reason}, {"count", count}});
  const auto or_null = [](const std::string& s) { return s.empty() ? json(nullptr) : json(s); };
  return {{"inlet", letters.inlet().path()}, {"topic", letters.inlet().dead_letter_topic()},
          {"waiting", sum.waiting},          {"oldest", or_null(sum.oldest)},
          {"newest", or_null(sum.newest)},   {"retried", sum.retried},
          {"dropped", sum.dropped},          {"reasons", std::move(reasons)}};
}

void print_summaries(const std::vector<std::pair<std::string, letter_summary>>& all) {
  constexpr auto right = table::side::right;
  table rows{{{"inlet"},
              {"waiting", right},
              {"oldest"},
              {"newest"},
              {"retried", right},
              {"dropped", right}}};
  for (const auto& [inlet, sum] : all)
    rows.add(
        {inlet,
         {std::to_string(sum.waiting), sum.waiting == 0 ? table::tone::plain : table::tone::bad},
         sum.oldest,
         sum.newest,
         std::to_string(sum.retried),
         std::to_string(sum.dropped)});
  fmt::print("{}", rows.text(has_colours()));
  for (const auto& [inlet, sum] : all) {
    if (sum.waiting == 0) continue;
    fmt::print("\n{}\n", inlet);
    for (const auto& [reason, count] : top_reasons(sum))
      fmt::print("{:>6} x {}\n", count, printable(reason));
    if (sum.reasons.size() > most_reasons)
      fmt::print("         and {} other reasons\n", sum.reasons.size() - most_reasons);
  }
}

// -- show -----------------------------------------------------------------------------------------

/// A dead letter as text, free of what it was read from.
struct shown_letter {
  std::int64_t offset, failures;
  std::string failed_at, reason, topic;
  std::int32_t partition;
  std::int64_t origin_offset;
  std::optional<std::string> key;
  std::string value_json;
  std::vector<std::pair<std::string, std::string>> headers;  ///< of the record itself
};

result<shown_letter> show(const dead_letter& letter, dead_letter_topic& from,
                          operate::record_text& text) {
  const auto& record = *letter.record;
  shown_letter s{.offset = record.offset.value(),
                 .failures = letter.failures,
                 .failed_at = std::string{letter.time},
                 .reason = std::string{letter.reason},
                 .topic = std::string{letter.topic},
                 .partition = letter.partition.value(),
                 .origin_offset = letter.offset.value(),
                 .key = {},
                 .value_json = "null",
                 .headers = {}};
  if (record.key.data() != nullptr) s.key = std::string{record.key};
  if (record.value.data() != nullptr) {
    s.value_json = CLOUDFLOW_TRY(text.show_value(record.value, from.schema_of(record)));
  }
  for (const auto& h : record.headers)
    if (!h.name.starts_with("cloudflow-")) s.headers.emplace_back(h.name, h.value);
  return s;
}

void print_letter(const shown_letter& s, bool as_json) {
  if (as_json) {
    print(json{
        {"offset", s.offset},
        {"time", s.failed_at},
        {"failures", s.failures},
        {"reason", s.reason},
        {"origin", {{"topic", s.topic}, {"partition", s.partition}, {"offset", s.origin_offset}}},
        {"key", s.key ? json(*s.key) : json(nullptr)},
        {"headers", s.headers},
        {"value", json::parse(s.value_json, nullptr, false)}});
    return;
  }
  fmt::print("offset {}  {}{}\n", s.offset, s.failed_at,
             s.failures == 1 ? "" : fmt::format("  failed {} times", s.failures));
  fmt::print("  reason  {}\n  origin  {}, partition {}, offset {}\n", printable(s.reason), s.topic,
             s.partition, s.origin_offset);
  if (s.key) fmt::print("  key     {}\n", printable(*s.key));
  fmt::print("  value   {}\n", s.value_json);
  for (const auto& [name, value] : s.headers)
    fmt::print("  header  {}: {}\n", printable(name), printable(value));
}

// -- retry and drop -------------------------------------------------------------------------------

/// Calls `f` with the dead letters that the options mean, and with those of them that match.
template <class F>
result<void> with_letters(const project& app, const log_location& where,
                          const letter_options& options, purpose why, F&& f) {
  const auto filter = CLOUDFLOW_TRY(filter_of(options));
  const auto opened = CLOUDFLOW_TRY(application_log::open(app, where, why));
  const auto inlet = CLOUDFLOW_TRY(operate::find_inlet(opened.plan(), options.inlet));
  auto letters = CLOUDFLOW_TRY(dead_letter_topic::of(opened.log(), inlet));
  return f(letters, filter, opened.log());
}

/// Whoever names dead letters and finds none has meant others.
result<void> expect_some(std::uint64_t letters, const dead_letter_topic& of,
                         const letter_filter& filter) {
  if (letters != 0 || (!filter.offsets && filter.reason.empty())) return {};
  return error{
      fmt::format("no dead letter of {0} that waits has such an offset or reason: see "
                  "`dlq ls {0}` and `dlq show {0}`",
                  of.inlet().path())};
}

std::string counted(std::uint64_t letters) {
  return fmt::format("{} dead letter{}", letters, letters == 1 ? "" : "s");
}

}  // namespace

result<void> list_letters(const project& app, const log_location& where, const std::string& inlet,
                          bool as_json) {
  const auto opened = CLOUDFLOW_TRY(application_log::open(app, where, purpose::reading));
  const auto inlets = CLOUDFLOW_TRY(operate::find_inlets(opened.plan(), inlet));
  auto list = json::array();
  std::vector<std::pair<std::string, letter_summary>> all;
  for (const auto& each : inlets) {
    if (!each.port->dead_letter_topic) continue;
    const auto letters = CLOUDFLOW_TRY(dead_letter_topic::of(opened.log(), each));
    auto sum = CLOUDFLOW_TRY(letters.summarise());
    list.push_back(to_json(letters, sum));
    all.emplace_back(each.path(), std::move(sum));
  }
  if (as_json)
    print(list);
  else
    print_summaries(all);
  return {};
}

result<void> show_letters(const project& app, const log_location& where,
                          const letter_options& options, std::optional<std::size_t> at_most,
                          bool as_json) {
  const auto show_them = [&](dead_letter_topic& letters, const letter_filter& filter,
                             pubsub::backend& log) -> result<void> {
    operate::record_text text{log, {}, true};
    std::deque<shown_letter> last;
    std::optional<error> failure;
    auto done = letters.visit(filter, [&](const dead_letter& letter) {
      auto shown = show(letter, letters, text);
      if (!shown) return failure = std::move(shown).error(), false;
      if (!at_most) return print_letter(*shown, as_json), true;
      last.push_back(std::move(shown).value());
      if (last.size() > *at_most) last.pop_front();
      return true;
    });
    if (failure) return *std::move(failure);
    for (const auto& shown : last) print_letter(shown, as_json);
    return done;
  };
  return with_letters(app, where, options, purpose::reading, show_them);
}

result<void> retry_letters(const project& app, const log_location& where,
                           const letter_options& options) {
  return with_letters(app, where, options, purpose::writing,
                      [](dead_letter_topic& letters, const letter_filter& filter,
                         pubsub::backend&) -> result<void> {
                        const auto count = CLOUDFLOW_TRY(letters.retry(filter));
                        CLOUDFLOW_TRY(expect_some(count, letters, filter));
                        fmt::print("{} of {} retried: {}\n", counted(count), letters.inlet().path(),
                                   letters.inlet().retry_topic());
                        return {};
                      });
}

result<void> drop_letters(const project& app, const log_location& where,
                          const letter_options& options) {
  return with_letters(app, where, options, purpose::writing,
                      [](dead_letter_topic& letters, const letter_filter& filter,
                         pubsub::backend&) -> result<void> {
                        const auto count = CLOUDFLOW_TRY(letters.drop(filter));
                        CLOUDFLOW_TRY(expect_some(count, letters, filter));
                        fmt::print("{} of {} dropped\n", counted(count), letters.inlet().path());
                        return {};
                      });
}

}  // namespace cloudflow::sandbox
