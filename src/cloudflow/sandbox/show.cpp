#include "cloudflow/sandbox/show.hpp"

#include "cloudflow/pubsub/embedded/log.hpp"
#include "cloudflow/sandbox/local_access.hpp"
#include "cloudflow/sandbox/remote_access.hpp"
#include "cloudflow/sandbox/row_printer.hpp"
#include "cloudflow/sandbox/run.hpp"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <fstream>
#include <iostream>
#include <map>
#include <thread>

namespace cloudflow::sandbox {

namespace {

enum class purpose { reading, writing };

/// The log of a state directory, wherever it is open.
class opened_log {
public:
  /// A sandbox that is starting has the log open before it answers, and one that ends has it open for longer: both
  /// are waited for.
  static result<opened_log> open(const state_layout& state, purpose why) {
    const auto give_up = std::chrono::steady_clock::now() + patience;
    for (;;) {
      if (auto remote = connect_access(state.socket())) return opened_log{std::move(remote)};
      if (!std::filesystem::exists(state.log()))
        return error{
            fmt::format("{}: there is no log here: run the application first, or name its "
                        "directory with --state",
                        state.root.string())};
      auto local = open_here(state, why);
      if (local) return std::move(local).value();
      const bool is_final = local.error().code != pubsub::errc::in_use;
      if (is_final || std::chrono::steady_clock::now() > give_up)
        return error{std::move(local).error().message};
      std::this_thread::sleep_for(look_every);
    }
  }
  log_access& operator*() const { return *access_; }
  log_access* operator->() const { return access_.get(); }

private:
  static constexpr std::chrono::milliseconds patience{5000}, look_every{20};

  explicit opened_log(std::unique_ptr<log_access> access) : access_(std::move(access)) {}

  static pubsub::result<opened_log> open_here(const state_layout& state, purpose why) {
    pubsub::embedded::options how;
    how.directory = state.log();
    how.read_only = why == purpose::reading;
    auto clock = std::make_unique<system_clock>();
    auto log = pubsub::embedded::open(how, *clock);
    if (!log) return std::move(log).error();
    opened_log o{make_local_access(**log)};
    o.clock_ = std::move(clock);
    o.log_ = std::move(log).value();
    return o;
  }

  std::unique_ptr<system_clock> clock_;
  std::unique_ptr<pubsub::embedded::log> log_;
  std::unique_ptr<log_access> access_;
};

result<std::int64_t> parse_from(const std::string& text) {
  if (text == "beginning") return std::int64_t{0};
  if (text == "end") return std::numeric_limits<std::int64_t>::max();
  std::int64_t n = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (code == std::errc{} && end == text.data() + text.size()) return n;
  return error{
      fmt::format("--from {}: write beginning, end, an offset, or -N for the last N", text)};
}

/// Prints what is appended, partition by partition, until the process is interrupted.
result<void> follow(log_access& access, const peek_options& options, row_printer& rows,
                    std::map<std::int32_t, std::int64_t>& next) {
  using namespace std::chrono_literals;
  for (;;) {
    for (auto& [partition, from] : next) {
      const peek_request request{.topic = options.topic, .partition = partition, .from = from};
      auto done = access.peek(request, [&, &at = from](const shown_record& r) {
        rows.add(r);
        at = r.offset + 1;
        return true;
      });
      if (!done) return done;
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
  return lines;
}

}  // namespace

result<void> show_topics(const std::filesystem::path& state) {
  auto log = opened_log::open({state}, purpose::reading);
  if (!log) return std::move(log).error();
  auto all = (*log)->topics();
  if (!all) return std::move(all).error();
  std::size_t width = 5;
  for (const auto& t : *all) width = std::max(width, t.spec.name.size());
  fmt::print("{:<{}}  {:>10}  {:>12}\n", "topic", width, "partitions", "records");
  for (const auto& t : *all) {
    std::int64_t records = 0;
    for (const auto& p : t.partitions) records += p.end - p.first;
    fmt::print("{:<{}}  {:>10}  {:>12}\n", t.spec.name, width, t.partitions.size(), records);
  }
  return {};
}

result<void> peek(const std::filesystem::path& state, const peek_options& options) {
  const auto from = parse_from(options.from);
  if (!from) return from.error();
  auto log = opened_log::open({state}, purpose::reading);
  if (!log) return std::move(log).error();
  peek_request request{.topic = options.topic, .partition = options.partition, .from = *from};
  if (options.count) request.at_most = *options.count;
  request.has_readable_times = options.format == "table";
  std::map<std::int32_t, std::int64_t> next;
  if (options.is_following) {
    const auto topics = (*log)->topics();
    if (!topics) return topics.error();
    for (const auto& t : *topics)
      for (std::size_t p = 0; t.spec.name == options.topic && p != t.partitions.size(); ++p)
        if (!options.partition || *options.partition == static_cast<std::int32_t>(p))
          next[static_cast<std::int32_t>(p)] = t.partitions[p].end.value();
  }
  row_printer rows{options.format, options.latest_by};
  auto done = (*log)->peek(request, [&](const shown_record& r) {
    rows.add(r);
    if (options.is_following) next[r.partition] = std::max(next[r.partition], r.offset + 1);
    return true;
  });
  rows.finish();
  if (!done || !options.is_following) return done;
  return follow(**log, options, rows, next);
}

result<void> send(const std::filesystem::path& state, const send_options& options) {
  auto lines = read_lines(options.file);
  if (!lines) return std::move(lines).error();
  auto log = opened_log::open({state}, purpose::writing);
  if (!log) return std::move(log).error();
  const auto sent = (*log)->send(
      {.topic = options.topic, .key = options.key, .values_json = std::move(lines).value()});
  if (!sent) return sent.error();
  fmt::print("{} records are in {}\n", *sent, options.topic);
  return {};
}

}  // namespace cloudflow::sandbox
