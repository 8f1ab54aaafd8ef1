/// `state check`, `state backup`, `state salvage`: looking after the embedded log's files.
#include "cloudflow/operate/table.hpp"
#include "cloudflow/pubsub/embedded/upkeep.hpp"
#include "cloudflow/sandbox/command_line.hpp"
#include "cloudflow/sandbox/file_lock.hpp"
#include "cloudflow/sandbox/print.hpp"
#include "cloudflow/sandbox/socket_log.hpp"

#include <fmt/format.h>

#include <memory>

namespace cloudflow::sandbox {

namespace {

using operate::table;
namespace embedded = pubsub::embedded;

int report(const pubsub::error& e) { return sandbox::report(error{e.message}); }

embedded::options log_in(const std::filesystem::path& state) {
  embedded::options which;
  which.directory = state_layout{state}.log();
  return which;
}

json to_json(const embedded::partition_summary& p) {
  return {{"topic", p.source.topic},
          {"partition", p.source.partition.value()},
          {"start", p.first.value()},
          {"end", p.end.value()},
          {"records", p.records}};
}

json to_json(const std::vector<embedded::partition_summary>& all) {
  json list = json::array();
  for (const auto& p : all) list.push_back(to_json(p));
  return list;
}

void print_partitions(const std::vector<embedded::partition_summary>& all) {
  constexpr auto right = table::side::right;
  table rows{
      {{"topic"}, {"partition", right}, {"start", right}, {"end", right}, {"records", right}}};
  for (const auto& p : all)
    rows.add({p.source.topic, std::to_string(p.source.partition.value()),
              std::to_string(p.first.value()), std::to_string(p.end.value()),
              std::to_string(p.records)});
  fmt::print("{}", rows.text(has_colours()));
}

// -- check ----------------------------------------------------------------------------------------

int check(const std::filesystem::path& state, bool as_json) {
  const auto found = embedded::check(log_in(state));
  if (!found) return report(found.error());
  const bool is_whole = found->problems.empty();
  if (as_json) {
    print({{"whole", is_whole},
           {"commits", found->commits},
           {"records", found->records},
           {"problems", found->problems},
           {"notes", found->notes},
           {"partitions", to_json(found->partitions)}});
    return is_whole ? succeeded : failed;
  }
  print_partitions(found->partitions);
  for (const auto& note : found->notes) fmt::print("\n{}\n", note);
  for (const auto& problem : found->problems) fmt::print("\n{}\n", problem);
  if (is_whole) fmt::print("\n{} commits: all that is there is what was written\n", found->commits);
  return is_whole ? succeeded : failed;
}

void add_check(command_line& line, CLI::App& group) {
  const auto as_json = std::make_shared<bool>(false);
  auto& c = line.add(group, "check",
                     "Reads all of the embedded log and says whether it is what was written; "
                     "changes nothing. The application must not run.",
                     [&line, as_json] { return check(line.where().state, *as_json); });
  line.add_state(c);
  command_line::add_format(c, *as_json);
  c.footer(
      fmt::format("Exit code: 0 when the log is whole, 1 when it is not.\nExamples:\n  {0} "
                  "state check\n  {0} state check -o json",
                  line.name()));
}

// -- backup ---------------------------------------------------------------------------------------

pubsub::result<void> copy_log(const std::filesystem::path& state, const std::filesystem::path& to) {
  if (const auto running = socket_log::connect(state_layout{state}.socket()))
    return running->backup(to);
  const system_clock time;
  auto which = log_in(state);
  std::error_code failed;
  if (!std::filesystem::exists(which.directory, failed))
    return pubsub::error{
        pubsub::errc::failed,
        failed ? fmt::format("{}: cannot be looked into: {}.", state.string(), failed.message())
               : fmt::format("There is no log in {}.", which.directory.string())};
  const auto opened = embedded::open(which, time);
  return opened ? (*opened)->backup(to) : opened.error();
}

int backup(const std::filesystem::path& state, const std::filesystem::path& to) {
  std::error_code failed;
  if (std::filesystem::exists(to, failed))
    return sandbox::report(
        error{fmt::format("{}: is there already; name a new directory", to.string())});
  if (const auto made = make_private_directory(to); !made) return sandbox::report(made.error());
  const state_layout copy{std::filesystem::absolute(to)};
  if (const auto done = copy_log(state, copy.log()); !done) {
    std::filesystem::remove(to, failed);  // if it is empty
    return report(done.error());
  }
  fmt::print("{}: holds all that is committed; `--state {}` runs or reads it\n", to.string(),
             to.string());
  return succeeded;
}

void add_backup(command_line& line, CLI::App& group) {
  const auto to = std::make_shared<std::string>();
  auto& c = line.add(group, "backup",
                     "Copies the embedded log to a new state directory, as of the last commit, "
                     "while the application runs or not.",
                     [&line, to] { return backup(line.where().state, *to); });
  c.add_option("directory", *to, "A directory that is not there yet.")->required();
  line.add_state(c);
  c.footer(fmt::format("Example: {0} state backup saved, later {0} state check --state saved",
                       line.name()));
}

// -- salvage --------------------------------------------------------------------------------------

void print_losses(const embedded::salvage_report& found) {
  print_partitions(found.partitions);
  for (const auto& loss : found.losses)
    fmt::print("\n{}: {} records are lost: {}\n", to_string(loss.source), loss.records,
               fmt::join(loss.where, ", "));
  for (const auto& note : found.notes) fmt::print("\n{}\n", note);
  if (found.commits_lost != 0) fmt::print("\nthe newest {} commits are lost\n", found.commits_lost);
  fmt::print("\n{} records are known to be lost\n", found.records_lost);
}

json to_json(const embedded::salvage_report& found) {
  json losses = json::array();
  for (const auto& loss : found.losses)
    losses.push_back({{"topic", loss.source.topic},
                      {"partition", loss.source.partition.value()},
                      {"records", loss.records},
                      {"where", loss.where}});
  return {{"partitions", to_json(found.partitions)},
          {"losses", losses},
          {"commits_lost", found.commits_lost},
          {"records_lost", found.records_lost},
          {"notes", found.notes}};
}

int salvage(const std::filesystem::path& state, const std::filesystem::path& to, bool as_json) {
  if (const auto made = make_private_directory(to); !made) return sandbox::report(made.error());
  const auto found = embedded::salvage(log_in(state), state_layout{to}.log());
  if (!found) {
    std::error_code failed;
    std::filesystem::remove(to, failed);  // if it is empty
    return report(found.error());
  }
  if (as_json)
    print(to_json(*found));
  else
    print_losses(*found);
  say("{}: holds what could be read; `--state {}` goes on with it\n", to.string(), to.string());
  return succeeded;
}

void add_salvage(command_line& line, CLI::App& group) {
  struct options {
    std::string to;
    bool as_json = false;
  };
  const auto o = std::make_shared<options>();
  auto& c = line.add(group, "salvage",
                     "Copies what can be read of a damaged log to a new state directory, and says "
                     "what is lost. Changes nothing of the old one.",
                     [&line, o] { return salvage(line.where().state, o->to, o->as_json); });
  c.add_option("directory", o->to, "A directory without a log.")->required();
  line.add_state(c);
  command_line::add_format(c, o->as_json);
  c.footer(
      fmt::format("Records behind a gap move up, and positions with them.\nExample: {0} state "
                  "salvage saved, then {0} run --state saved",
                  line.name()));
}

}  // namespace

void add_state_commands(command_line& line) {
  auto& group =
      line.add_group("state", "Looks after the files of the embedded log: check, backup, salvage.");
  add_check(line, group);
  add_backup(line, group);
  add_salvage(line, group);
}

}  // namespace cloudflow::sandbox
