#include "cloudflow/sandbox/command_line.hpp"
#include "cloudflow/sandbox/show.hpp"

#include <fmt/format.h>

#include <memory>

namespace cloudflow::sandbox {

namespace {

int code_of(const result<void>& done) { return done ? succeeded : report(done.error()); }

void add_topics(command_line& line) {
  const auto o = std::make_shared<topics_options>();
  auto& c = line.add("topics", "Lists the topics and how many records are in them.",
                     [&line, o] { return code_of(show_topics(line.app(), line.where(), *o)); });
  c.add_flag("--all", o->is_all,
             "Also topics of others on the same cluster, and internal ones that are empty.");
  line.add_state(c);
  line.add_configuration(c);
  command_line::add_format(c, o->as_json);
  c.footer(fmt::format("Examples:\n  {0} topics\n  {0} topics --all -o json", line.name()));
}

void add_peek(command_line& line) {
  const auto o = std::make_shared<peek_options>();
  auto& c = line.add("peek", "Prints the records of a topic, running or not.",
                     [&line, o] { return code_of(peek(line.app(), line.where(), *o)); });
  c.add_option("topic", o->topic, "The topic, named as in the blueprint or as on its log.")
      ->required();
  line.add_state(c);
  line.add_configuration(c);
  c.add_option("--from", o->from,
               "beginning, end, an offset, -N: the last N of each partition, a time "
               "(2026-01-31T12:00Z), or -2h: two hours ago.")
      ->capture_default_str();
  c.add_option("--partition", o->partition, "One partition; without it all, by time.");
  auto* count =
      c.add_option("-n,--count", o->count, "At most so many records.")->check(CLI::PositiveNumber);
  c.add_option("--format", o->format,
               "json: the values, one a line; full: with key, offset, time and headers; table.")
      ->check(CLI::IsMember({"json", "full", "table"}))
      ->capture_default_str();
  auto* latest =
      c.add_option(
           "--latest-by", o->latest_by,
           "Fields, separated by commas: only the last record for each of their values, sorted.")
          ->delimiter(',')
          ->allow_extra_args(false)
          ->excludes(count);
  c.add_flag("-f,--follow", o->is_following,
             "Go on with what is appended, until interrupted or --count is reached.")
      ->excludes(latest);
  c.footer(
      fmt::format("Examples:\n  {0} peek TOPIC --from -10\n  {0} peek TOPIC --from -2h "
                  "--format full",
                  line.name()));
}

void add_send(command_line& line) {
  const auto o = std::make_shared<send_options>();
  auto& c = line.add(
      "send", "Puts records into a topic: JSON objects, one a line, from a file or standard input.",
      [&line, o] { return code_of(send(line.app(), line.where(), *o)); });
  c.add_option("topic", o->topic, "The topic, named as in the blueprint or as on its log.")
      ->required();
  c.add_option("file", o->file, "A file, or - for standard input.")->capture_default_str();
  line.add_state(c);
  line.add_configuration(c);
  c.add_option("--key", o->key, "Key of all records.");
  c.footer(
      fmt::format("Examples:\n  echo '{{\"field\": 1}}' | {0} send TOPIC\n  {0} send TOPIC "
                  "records.json --key KEY",
                  line.name()));
}

}  // namespace

void add_record_commands(command_line& line) {
  add_topics(line);
  add_peek(line);
  add_send(line);
}

}  // namespace cloudflow::sandbox
