#include "cloudflow/sandbox/show.hpp"

#include "cloudflow/operate/peek.hpp"
#include "cloudflow/operate/send.hpp"
#include "cloudflow/operate/table.hpp"
#include "cloudflow/sandbox/print.hpp"
#include "cloudflow/sandbox/row_printer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>
#include <map>
#include <thread>

namespace cloudflow::sandbox {

namespace {

using operate::peek_request, operate::offset_spec, operate::shown_record;

std::int64_t records_in(const pubsub::topic_info& topic) {
  std::int64_t records = 0;
  for (const auto& p : topic.partitions) records += p.end - p.first;
  return records;
}

/// What the plan names, what is named after it (copies of a replay), and all there is in a log of
/// the application's own.
bool is_of_application(const blueprint::plan& plan, const std::string& topic) {
  const auto is_or_begins_with = [&topic](const std::string& name) {
    return topic == name || topic.starts_with(name + ".");
  };
  const bool has_own_log = std::all_of(plan.topics.begin(), plan.topics.end(),
                                       [](const auto& t) { return t.cluster_key.empty(); });
  return has_own_log || is_or_begins_with(plan.prefix + plan.app_id) ||
         std::any_of(plan.topics.begin(), plan.topics.end(),
                     [&](const auto& t) { return is_or_begins_with(t.name); });
}

/// Two for each inlet, and most of them stay empty.
bool is_empty_internal(const blueprint::plan& plan, const pubsub::topic_info& topic) {
  return records_in(topic) == 0 &&
         std::any_of(plan.topics.begin(), plan.topics.end(),
                     [&](const auto& t) { return t.is_internal && t.name == topic.spec.name; });
}

json to_json(const std::vector<pubsub::topic_info>& topics) {
  auto list = json::array();
  for (const auto& t : topics)
    list.push_back(
        {{"topic", t.spec.name}, {"partitions", t.partitions.size()}, {"records", records_in(t)}});
  return list;
}

void print_topics(const std::vector<pubsub::topic_info>& topics, std::size_t hidden) {
  using operate::table;
  table rows{{{"topic"}, {"partitions", table::side::right}, {"records", table::side::right}}};
  for (const auto& t : topics)
    rows.add({t.spec.name, std::to_string(t.partitions.size()), std::to_string(records_in(t))});
  fmt::print("{}", rows.text());
  if (hidden != 0)
    say("and {} topics of others, or internal and empty: --all lists them\n", hidden);
}

/// Prints what is appended, partition by partition, until the process is interrupted or so many
/// have been printed.
result<void> follow(pubsub::backend& log, const peek_request& request, row_printer& rows,
                    std::map<std::int32_t, record_offset>& next, std::size_t at_most) {
  using namespace std::chrono_literals;
  for (;;) {
    for (auto& [partition, from] : next) {
      auto part = request;
      part.partition = partition;
      part.at_most = at_most;
      part.from = offset_spec::at(from);
      auto done = operate::peek(log, part, [&, &at = from](const shown_record& r) {
        rows.add(r);
        at = record_offset{r.offset + 1};
        --at_most;
        return true;
      });
      if (!done || at_most == 0) return done;
    }
    std::fflush(stdout);
    std::this_thread::sleep_for(200ms);
  }
}

result<std::vector<std::string>> read_lines(const std::string& file) {
  std::ifstream opened;
  if (file != "-") {
    opened.open(file);
    if (!opened) return error{fmt::format("{}: cannot be read", file)};
  }
  std::istream& in = file == "-" ? std::cin : opened;
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);)
    if (line.find_first_not_of(" \t\r") != std::string::npos) lines.push_back(std::move(line));
  // A part of the records would look like all of them.
  if (in.bad() || (file == "-" && std::ferror(stdin) != 0))
    return error{fmt::format("{}: cannot be read to its end; nothing has been sent",
                             file == "-" ? "standard input" : file)};
  return lines;
}

/// A topic is named as in the blueprint, else as on its log. With a prefix, `readings` may be on
/// the log too, and another application's.
std::string name_on_log(const blueprint::plan& plan, const std::string& topic) {
  const auto* planned = plan.find_topic(topic);
  return planned == nullptr ? topic : planned->name;
}

}  // namespace

result<void> show_topics(const project& app, const log_location& where,
                         const topics_options& options) {
  const auto opened = CLOUDFLOW_TRY(application_log::open(app, where, purpose::reading));
  auto all = opened.log().topics();
  if (!all) return error{std::move(all).error().message};
  const auto& plan = opened.plan();
  const auto is_hidden = [&](const auto& t) {
    return !options.is_all && (!is_of_application(plan, t.spec.name) || is_empty_internal(plan, t));
  };
  const auto hidden = std::erase_if(*all, is_hidden);
  if (options.as_json)
    print(to_json(*all));
  else
    print_topics(*all, hidden);
  return {};
}

result<void> peek(const project& app, const log_location& where, const peek_options& options) {
  if (options.is_following && options.format == "table")
    return error{"-f goes on for ever, and a table needs all records: leave one of them out"};
  const auto opened = CLOUDFLOW_TRY(application_log::open(app, where, purpose::reading));
  if (options.is_following && opened.is_at_rest())
    return error{
        fmt::format("{}: the application does not run, so nothing comes: start it, or leave out -f",
                    where.state.string())};
  auto& log = opened.log();
  const auto from = offset_spec::parse(options.from, opened.time().now());
  if (!from) return error{"--from: " + from.error().message};
  peek_request request{.topic = name_on_log(opened.plan(), options.topic),
                       .partition = options.partition,
                       .from = *from};
  if (options.count) request.at_most = *options.count;
  request.has_readable_times = options.format == "table";
  std::map<std::int32_t, record_offset> next;
  if (options.is_following) {
    const auto topic = log.topic(request.topic);
    for (std::size_t p = 0; topic && p != topic->partitions.size(); ++p)
      if (!options.partition || *options.partition == static_cast<std::int32_t>(p))
        next[static_cast<std::int32_t>(p)] = topic->partitions[p].end;
  }
  auto left = options.count.value_or(peek_request{}.at_most);
  row_printer rows{options.format, options.latest_by};
  auto done = operate::peek(log, request, [&](const shown_record& r) {
    rows.add(r);
    --left;
    if (options.is_following)
      next[r.partition] = std::max(next[r.partition], record_offset{r.offset + 1});
    return true;
  });
  if (auto printed = rows.finish(); done && !printed) return printed;
  if (!done || !options.is_following || left == 0) return done;
  return follow(log, request, rows, next, left);
}

result<void> send(const project& app, const log_location& where, const send_options& options) {
  auto lines = CLOUDFLOW_TRY(read_lines(options.file));
  const auto opened = CLOUDFLOW_TRY(application_log::open(app, where, purpose::writing));
  const auto count = lines.size();
  const auto topic = name_on_log(opened.plan(), options.topic);
  auto done = operate::send(opened.log(), opened.plan().names(),
                            {.topic = topic, .key = options.key, .values_json = std::move(lines)});
  if (!done) return done;
  fmt::print("{} records are in {}\n", count, topic);
  return {};
}

}  // namespace cloudflow::sandbox
