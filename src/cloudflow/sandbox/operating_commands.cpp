#include "cloudflow/sandbox/balance.hpp"
#include "cloudflow/sandbox/command_line.hpp"
#include "cloudflow/sandbox/dlq.hpp"
#include "cloudflow/sandbox/offsets.hpp"
#include "cloudflow/sandbox/replay.hpp"
#include "cloudflow/sandbox/top.hpp"

#include <fmt/format.h>

#include <memory>

namespace cloudflow::sandbox {

namespace {

constexpr const char* places =
    "beginning, end, an offset, -N: the last N of each partition, a time (2026-01-31T12:00Z), or "
    "-2h: two hours ago.";

int code_of(const result<void>& done) { return done ? succeeded : report(done.error()); }

// -- dlq ------------------------------------------------------------------------------------------

void add_dlq_ls(command_line& line, CLI::App& dlq) {
  const auto inlet = std::make_shared<std::string>();
  const auto as_json = std::make_shared<bool>(false);
  auto& c =
      line.add(dlq, "ls", "Counts the dead letters of each inlet, with the most frequent reasons.",
               [&line, inlet, as_json] {
                 return code_of(list_letters(line.app(), line.where(), *inlet, *as_json));
               });
  c.add_option("inlet", *inlet, "STREAMLET or STREAMLET.INLET; without it all.");
  line.add_state(c);
  line.add_configuration(c);
  command_line::add_format(c, *as_json);
  c.footer(fmt::format("Examples:\n  {0} dlq ls\n  {0} dlq ls STREAMLET -o json", line.name()));
}

void add_inlet(command_line& line, CLI::App& c, letter_options& o) {
  c.add_option("inlet", o.inlet, "STREAMLET.INLET; STREAMLET where it has one inlet only.")
      ->required();
  line.add_state(c);
  line.add_configuration(c);
}

void add_dlq_show(command_line& line, CLI::App& dlq) {
  struct options {
    letter_options which;
    std::optional<std::size_t> last;
    bool as_json = false;
  };
  const auto o = std::make_shared<options>();
  auto& c = line.add(
      dlq, "show", "Prints dead letters: why each is here, where it was, what it is.", [&line, o] {
        return code_of(show_letters(line.app(), line.where(), o->which, o->last, o->as_json));
      });
  add_inlet(line, c, o->which);
  auto* offset =
      c.add_option("--offset", o->which.offsets, "The dead letter there, or N-M; several times.");
  c.add_option("--last", o->last, "The last N letters.")->excludes(offset);
  c.add_option("--reason", o->which.reason, "Letters with this text in their reason.");
  command_line::add_format(c, o->as_json);
  c.footer(
      fmt::format("Examples:\n  {0} dlq show STREAMLET.INLET --last 5\n  {0} dlq show "
                  "STREAMLET.INLET --offset 17 -o json",
                  line.name()));
}

/// Dead letters are named, or all of them are meant: nothing happens to dead letters by leaving
/// something out.
void add_choice(CLI::App& c, letter_options& o) {
  const auto means_all = [](std::int64_t) {};  // no offsets and no reason: that is all of them
  auto& choice = *c.add_option_group("dead letters", "Which dead letters; one of these is needed.");
  choice.add_option("--offset", o.offsets, "The dead letter there, or N-M; several times.");
  choice.add_option("--reason", o.reason, "Letters with this text in their reason.");
  choice.add_flag_function("--all", means_all, "All that wait.");
  choice.require_option(1);
}

void add_dlq_retry(command_line& line, CLI::App& dlq) {
  const auto o = std::make_shared<letter_options>();
  auto& c = line.add(dlq, "retry", "Gives the records to their inlet once more, and to no other.",
                     [&line, o] { return code_of(retry_letters(line.app(), line.where(), *o)); });
  add_inlet(line, c, *o);
  add_choice(c, *o);
  c.footer(
      fmt::format("Examples:\n  {0} dlq retry STREAMLET.INLET --all\n  {0} dlq retry "
                  "STREAMLET.INLET --offset 3 --offset 7-9\n  {0} dlq retry STREAMLET.INLET "
                  "--reason 'no such file'",
                  line.name()));
}

void add_dlq_drop(command_line& line, CLI::App& dlq) {
  const auto o = std::make_shared<letter_options>();
  auto& c = line.add(dlq, "drop", "Lists the dead letters no more, as if they had been dealt with.",
                     [&line, o] { return code_of(drop_letters(line.app(), line.where(), *o)); });
  add_inlet(line, c, *o);
  add_choice(c, *o);
  c.footer(
      fmt::format("Example: {} dlq drop STREAMLET.INLET --reason 'bad checksum'", line.name()));
}

void add_dlq(command_line& line) {
  auto& dlq = line.add_group("dlq", "Dead letters: records that an inlet has refused.");
  add_dlq_ls(line, dlq);
  add_dlq_show(line, dlq);
  add_dlq_retry(line, dlq);
  add_dlq_drop(line, dlq);
  dlq.footer(
      fmt::format("Examples:\n  {0} dlq ls\n  {0} dlq show STREAMLET.INLET --last 3\n  {0} "
                  "dlq retry STREAMLET.INLET --all",
                  line.name()));
}

// -- offsets --------------------------------------------------------------------------------------

void add_offsets_set(command_line& line, CLI::App& offsets) {
  const auto o = std::make_shared<set_offsets_options>();
  auto& c =
      line.add(offsets, "set",
               "Moves the positions of an inlet, while its streamlet does not run. Streamlets "
               "with state are replayed instead.",
               [&line, o] { return code_of(set_offsets(line.app(), line.where(), *o)); });
  c.add_option("inlet", o->inlet, "STREAMLET.INLET; STREAMLET where it has one inlet only.")
      ->required();
  c.add_option("--to", o->to, places)->required();
  c.add_option("--partition", o->partition, "One partition; without it all.");
  line.add_state(c);
  line.add_configuration(c);
  c.footer(
      fmt::format("Examples:\n  {0} offsets set STREAMLET.INLET --to -2h\n  {0} offsets set "
                  "STREAMLET.INLET --to 1700 --partition 0",
                  line.name()));
}

void add_offsets(command_line& line) {
  const auto path = std::make_shared<std::string>();
  const auto as_json = std::make_shared<bool>(false);
  auto& c = line.add("offsets", "Shows how far each inlet has come, and how far it is behind.",
                     [&line, path, as_json] {
                       return code_of(show_offsets(line.app(), line.where(), *path, *as_json));
                     });
  c.add_option("inlet", *path, "STREAMLET or STREAMLET.INLET; without it all.");
  line.add_state(c);
  line.add_configuration(c);
  command_line::add_format(c, *as_json);
  add_offsets_set(line, c);
  c.footer(
      fmt::format("Examples:\n  {0} offsets\n  {0} offsets STREAMLET -o json\n  {0} offsets "
                  "set STREAMLET.INLET --to beginning",
                  line.name()));
}

// -- replay ---------------------------------------------------------------------------------------

void add_replay(command_line& line) {
  struct options {
    replay_options how;
    bool must_reset = false;
  };
  const auto o = std::make_shared<options>();
  auto& c = line.add("replay", "Has a streamlet process records again.", [&line, o] {
    const auto code = replay(line.app(), line.where(), o->how);
    return code ? *code : report(code.error());
  });
  c.add_option("streamlet", o->how.streamlet, "The streamlet.")->required();
  c.add_option("--from", o->how.from, places)->required();
  auto& kind = *c.add_option_group("kind", "How; one of these is needed.");
  auto* into =
      kind.add_option("--into", o->how.into,
                      "Beside the original, as a copy of this name, whose outlets write to "
                      "TOPIC.NAME; ends with the range.")
          ->check(not_empty());
  kind.add_flag("--reset-state", o->must_reset,
                "The streamlet itself, which forgets its state and goes on from there when it runs "
                "next. It must not run now.");
  kind.require_option(1);
  c.add_option("--to", o->how.to, "Where a copy ends, as --from.")
      ->needs(into)
      ->capture_default_str();
  c.add_flag("--yes", o->how.is_yes, "Do not ask.");
  c.add_option("--workers", o->how.workers, "Threads of a copy; 0: one for each core, at most 4.")
      ->check(CLI::Range(0, most_workers))
      ->capture_default_str();
  c.add_option("--log-level", o->how.log_level, "debug, info, warn, error or off.")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error", "off"}))
      ->capture_default_str();
  line.add_state(c);
  line.add_configuration(c);
  line.add_settings(c);
  c.footer(
      fmt::format("Examples:\n  {0} replay STREAMLET --from -2h --into try window=1m\n  {0} "
                  "replay STREAMLET --from beginning --reset-state",
                  line.name()));
}

// -- top ------------------------------------------------------------------------------------------

void add_top(command_line& line) {
  struct options {
    top_options how;
    double seconds = 2;
  };
  const auto o = std::make_shared<options>();
  auto& c = line.add(
      "top", "Shows what the tasks of a running application do, again and again.", [&line, o] {
        o->how.every = std::chrono::milliseconds{static_cast<int>(o->seconds * 1000)};
        return code_of(top(line.where().state, o->how));
      });
  c.add_flag("--once", o->how.is_once, "Once, after one interval; without a terminal always so.");
  c.add_option("-n,--interval", o->seconds, "Seconds between two looks.")
      ->check(CLI::Range(0.01, 3600.0))
      ->capture_default_str();
  line.add_state(c);
  command_line::add_format(c, o->how.as_json);
  c.footer(fmt::format("Examples:\n  {0} top\n  {0} top --once -o json", line.name()));
}

// -- balance --------------------------------------------------------------------------------------

void add_balance(command_line& line) {
  const auto as_json = std::make_shared<bool>(false);
  auto& c =
      line.add("balance",
               "Shows where the records of a running application came from and went, and "
               "whether any is missing.",
               [&line, as_json] { return code_of(show_balance(line.where().state, *as_json)); });
  line.add_state(c);
  command_line::add_format(c, *as_json);
  c.footer(
      fmt::format("Of what has been committed since it was started. Exit code: 1 if a record "
                  "is missing.\n\nExamples:\n  {0} balance\n  {0} balance -o json",
                  line.name()));
}

}  // namespace

void add_operating_commands(command_line& line) {
  add_dlq(line);
  add_offsets(line);
  add_replay(line);
  add_top(line);
  add_balance(line);
}

}  // namespace cloudflow::sandbox
