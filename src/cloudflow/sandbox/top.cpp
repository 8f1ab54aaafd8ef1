#include "cloudflow/sandbox/top.hpp"

#include "cloudflow/operate/activity.hpp"
#include "cloudflow/operate/table.hpp"
#include "cloudflow/sandbox/print.hpp"
#include "cloudflow/sandbox/running.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <thread>
#include <utility>

namespace cloudflow::sandbox {

namespace {

using operate::table, operate::task_activity;
using steady = std::chrono::steady_clock;

/// What all tasks of the application have done, and when that was.
struct look {
  steady::time_point at;
  std::vector<app::task_status> tasks;
};

result<look> look_at(const std::filesystem::path& state) {
  auto tasks = CLOUDFLOW_TRY(running_tasks(state));
  return look{steady::now(), std::move(tasks)};
}

json to_json(const task_activity& t) {
  return {
      {"state", to_string(t.now)},
      {"in_per_second", t.in_per_second},
      {"out_per_second", t.out_per_second},
      {"lag", t.lag},
      {"watermark_delay_ms", t.watermark_delay ? json(t.watermark_delay->count()) : json(nullptr)},
      {"restarts", t.restarts},
      {"rejected", t.rejected}};
}

void print_json(const std::vector<task_activity>& tasks) {
  auto list = json::array();
  for (const auto& t : tasks) {
    json row{{"streamlet", t.streamlet}, {"partition", t.partition}};
    row.update(to_json(t));
    if (!t.failure.empty()) row["failure"] = t.failure;
    list.push_back(std::move(row));
  }
  print(json{{"tasks", std::move(list)}, {"total", to_json(operate::total_of(tasks))}});
}

table::tone tone_of(task_activity::state s) {
  switch (s) {
    case task_activity::state::running: return table::tone::good;
    case task_activity::state::restoring: return table::tone::warning;
    case task_activity::state::failed: return table::tone::bad;
  }
  return table::tone::plain;
}

std::vector<table::cell> row_of(const task_activity& t, std::string name, std::string partition) {
  using cell = table::cell;
  const auto rate = [](double n) { return cell{fmt::format("{:.0f}", n)}; };
  const auto count = [](std::uint64_t n) {
    return cell{std::to_string(n), n == 0 ? table::tone::plain : table::tone::warning};
  };
  const auto delay =
      t.watermark_delay
          ? fmt::format("{:.1f} s", std::chrono::duration<double>(*t.watermark_delay).count())
          : "-";
  return {std::move(name),
          std::move(partition),
          {std::string{to_string(t.now)}, tone_of(t.now)},
          rate(t.in_per_second),
          rate(t.out_per_second),
          std::to_string(t.lag),
          delay,
          count(t.restarts),
          count(t.rejected)};
}

std::string text_of(const std::vector<task_activity>& tasks, bool has_colours) {
  constexpr auto right = table::side::right;
  table rows{{{"streamlet"},
              {"partition", right},
              {"state"},
              {"in/s", right},
              {"out/s", right},
              {"lag", right},
              {"watermark", right},
              {"restarts", right},
              {"rejected", right}}};
  for (const auto& t : tasks) rows.add(row_of(t, t.streamlet, std::to_string(t.partition)));
  rows.add(row_of(operate::total_of(tasks), "total", ""));
  auto text = rows.text(has_colours);
  for (const auto& t : tasks)
    if (!t.failure.empty())
      text += fmt::format("\n{}, partition {}: {}\n", t.streamlet, t.partition, t.failure);
  return text;
}

/// Over what was there before, without the flicker of an empty screen in between.
void draw(const std::string& text) {
  std::string screen = "\033[H";
  for (const char c : text) {
    if (c == '\n') screen += "\033[K";
    screen += c;
  }
  fmt::print("{}\033[J", screen);
  std::fflush(stdout);
}

}  // namespace

result<void> top(const std::filesystem::path& state, const top_options& options) {
  const bool has_terminal = ::isatty(STDOUT_FILENO) != 0;
  const bool is_once = options.is_once || options.as_json || !has_terminal;
  auto before = CLOUDFLOW_TRY(look_at(state));
  if (!is_once) fmt::print("\033[2J");
  for (;;) {
    std::this_thread::sleep_for(options.every);
    auto now = CLOUDFLOW_TRY(look_at(state));
    const auto tasks = operate::activity_of(before.tasks, now.tasks, now.at - before.at);
    if (options.as_json)
      print_json(tasks);
    else if (is_once)
      fmt::print("{}", text_of(tasks, has_colours()));
    else
      draw(text_of(tasks, has_colours()));
    if (is_once) return {};
    before = std::move(now);
  }
}

}  // namespace cloudflow::sandbox
