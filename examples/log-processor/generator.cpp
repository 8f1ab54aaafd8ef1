// Writes log files as three applications would, for trying the log processor: three layouts, stack
// traces, lines that no parser can read, and in one application a burst of errors. The same options
// always give the same files.
//
//   log-generator --out logs --seed 7 --records 3000 --files 3
//
// Part k of an application is <out>/<k>/<application>.log and covers two minutes, as if a job had
// copied it away then.

#include "cloudflow/connect/files/log_time.hpp"

#include <CLI/CLI.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>

namespace {

namespace fs = std::filesystem;
using cloudflow::timestamp;
using std::chrono::milliseconds;

constexpr milliseconds part_length{120'000};
/// Few enough that two parts together stay below the alert threshold, should windows lie across
/// them.
constexpr int problems_in_a_part = 4;
/// So many that one of two windows has more than the threshold, should the burst lie across them.
constexpr std::size_t burst_errors = 25;
constexpr milliseconds burst_length{20'000};

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers on every machine, unlike the
/// distributions of the library.
class random_numbers {
public:
  explicit random_numbers(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    auto z = state_ += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  std::uint64_t below(std::uint64_t limit) { return next() % limit; }

private:
  std::uint64_t state_;
};

enum class layout { log4j, logback, iso8601 };

struct application {
  std::string_view name, package;
  layout lines;
  bool has_burst;
};

constexpr std::array<application, 3> applications{{
    {"payments", "shop.payments.Gateway", layout::log4j, true},
    {"orders", "shop.orders.Service$", layout::logback, false},
    {"inventory", "shop.inventory.Stock", layout::iso8601, false},
}};

std::string clock_of(timestamp t, std::string_view seconds_end) {
  const std::chrono::hh_mm_ss time{t - std::chrono::floor<std::chrono::days>(t)};
  return fmt::format("{:02}:{:02}:{:02}{}{:03}", time.hours().count(), time.minutes().count(),
                     time.seconds().count(), seconds_end, time.subseconds().count());
}

std::string line_of(const application& app, timestamp t, std::string_view level,
                    std::string_view thread, std::string_view text) {
  const auto iso = cloudflow::to_iso8601(t);
  switch (app.lines) {
    case layout::log4j:
      return fmt::format("{} {} {} [{}] {}: {}\n", iso.substr(0, 10), clock_of(t, ","), level,
                         thread, app.package, text);
    case layout::logback:
      return fmt::format("{} [{}] {:<5} {} - {}\n", clock_of(t, "."), thread, level, app.package,
                         text);
    case layout::iso8601:
      return fmt::format("{} {:<5} [{}] {}: {}\n", iso, level, thread, app.package, text);
  }
  return {};
}

/// A line that begins a record at a time that does not exist.
std::string impossible_line(const application& app) {
  switch (app.lines) {
    case layout::log4j:
      return fmt::format("2024-02-30 10:61:00,000 ERROR [main] {}: clock went wild\n", app.package);
    case layout::logback:
      return fmt::format("25:61:00.000 [main] ERROR {} - clock went wild\n", app.package);
    case layout::iso8601:
      return fmt::format("2024-02-30T10:61:00Z ERROR [main] {}: clock went wild\n", app.package);
  }
  return {};
}

class part_writer {
public:
  part_writer(const application& app, timestamp begin, random_numbers& random)
    : app_(app), begin_(begin), random_(random) {}

  std::string write(std::size_t records, bool has_burst) {
    const auto burst = has_burst ? burst_errors : 0;
    const auto rest = records > burst ? records - burst : 0;
    const auto problem_every = std::max<std::size_t>(rest / problems_in_a_part, 1);
    text_ += "\tat shop.log.Rotation.cut(Rotation.java:12)\n";  // begins no record: invalid
    const auto burst_begin = begin_ + part_length / 4;
    std::size_t burst_left = burst;
    int problems = 0;
    for (std::size_t i = 0; i != rest; ++i) {
      const auto time = begin_ + spread(i, rest, part_length);
      for (;
           burst_left != 0 && burst_begin + spread(burst - burst_left, burst, burst_length) <= time;
           --burst_left)
        write_error(burst_begin + spread(burst - burst_left, burst, burst_length),
                    "card network does not answer");
      const bool is_problem =
          i % problem_every == problem_every / 2 && problems++ < problems_in_a_part;
      is_problem ? write_problem(time) : write_usual(time);
      if (i == rest / 2) text_ += impossible_line(app_);
    }
    for (; burst_left != 0; --burst_left)
      write_error(burst_begin + spread(burst - burst_left, burst, burst_length),
                  "card network does not answer");
    return std::move(text_);
  }

private:
  static milliseconds spread(std::size_t i, std::size_t of, milliseconds over) {
    return milliseconds{static_cast<std::int64_t>(i) * over.count() /
                        static_cast<std::int64_t>(of)};
  }
  std::string thread() { return fmt::format("worker-{}", 1 + random_.below(8)); }
  void write(timestamp time, std::string_view level, std::string_view text) {
    text_ += line_of(app_, time, level, thread(), text);
  }
  void write_usual(timestamp time) {
    const bool is_debug = random_.below(5) == 0;
    write(time, is_debug ? "DEBUG" : "INFO",
          fmt::format("request {:08x} done in {} ms", random_.next() & 0xFFFFFFFF,
                      1 + random_.below(90)));
  }
  void write_problem(timestamp time) {
    if (random_.below(2) == 0) return write_error(time, "cannot reach the database");
    write(time, "WARN",
          fmt::format("request {:08x} took {} ms", random_.next() & 0xFFFFFFFF,
                      900 + random_.below(900)));
  }
  void write_error(timestamp time, std::string_view what) {
    write(time, "ERROR", fmt::format("{} (attempt {})", what, 1 + random_.below(3)));
    text_ += fmt::format("java.net.SocketTimeoutException: {} ms without an answer\n",
                         1000 * (1 + random_.below(9)));
    for (auto depth = 1 + random_.below(4); depth != 0; --depth)
      text_ += fmt::format("\tat {}.call({}.java:{})\n", app_.package, app_.name,
                           10 + random_.below(300));
  }

  const application& app_;
  timestamp begin_;
  random_numbers& random_;
  std::string text_;
};

/// The last modification is the end of what the part covers: from there a time of day has its date.
bool write_file(const fs::path& path, std::string_view text, timestamp modified) {
  std::error_code ec;
  fs::create_directories(path.parent_path(), ec);
  std::ofstream out{path, std::ios::binary | std::ios::trunc};
  out.write(text.data(), static_cast<std::streamsize>(text.size()));
  out.close();
  const auto since_1970 = modified.time_since_epoch();
  const timespec time{std::chrono::floor<std::chrono::seconds>(since_1970).count(),
                      (since_1970 % std::chrono::seconds{1}).count() * 1'000'000};
  const std::array<timespec, 2> times{time, time};
  return out.good() && ::utimensat(AT_FDCWD, path.c_str(), times.data(), 0) == 0;
}

struct settings {
  std::string out;
  std::uint64_t seed = 1;
  std::size_t records = 3000;
  std::size_t files = 3;
  std::string start = "2024-03-01T10:00:00Z";
};

int generate(const settings& s, timestamp start) {
  random_numbers random{s.seed};
  const auto parts = s.files * applications.size();
  for (std::size_t part = 0; part != s.files; ++part) {
    const auto begin = start + part_length * static_cast<std::int64_t>(part);
    for (std::size_t a = 0; a != applications.size(); ++a) {
      const auto& app = applications[a];
      const auto index = part * applications.size() + a;
      const auto records = s.records / parts + (index < s.records % parts ? 1 : 0);
      const bool has_burst = app.has_burst && part == s.files / 2;
      const auto path =
          fs::path{s.out} / fmt::format("{:03}", part + 1) / fmt::format("{}.log", app.name);
      if (!write_file(path, part_writer{app, begin, random}.write(records, has_burst),
                      begin + part_length)) {
        fmt::print(stderr, "cannot write {}: {}\n", path.string(),
                   std::generic_category().message(errno));
        return 1;
      }
    }
  }
  fmt::print("{} files with {} records in {}, from {} on; a burst of {} errors in {}\n", parts,
             s.records, s.out, cloudflow::to_iso8601(start), burst_errors, applications[0].name);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  settings s;
  CLI::App program{"Writes log files of three applications; the same options give the same files."};
  program.add_option("--out", s.out, "Directory to write to; made where it is missing")->required();
  program.add_option("--seed", s.seed, "Another seed gives other files")->capture_default_str();
  program.add_option("--records", s.records, "Log records in all files together")
      ->capture_default_str()
      ->check(CLI::Range(0, 1'000'000'000));
  program.add_option("--files", s.files, "Files of each application")
      ->capture_default_str()
      ->check(CLI::Range(1, 999));
  program.add_option("--start", s.start, "Time of the first record, ISO 8601")
      ->capture_default_str();
  CLI11_PARSE(program, argc, argv);
  const auto start = cloudflow::connect::scan_iso8601(s.start, {});
  if (start.outcome != cloudflow::connect::scan::found || start.size != s.start.size()) {
    fmt::print(stderr, "--start '{}' is no time; write for example 2024-03-01T10:00:00Z\n",
               s.start);
    return 1;
  }
  const auto fewest = applications.size() * s.files * (burst_errors + problems_in_a_part);
  if (s.records < fewest) {
    fmt::print(stderr,
               "--records {} is too few: {} files of each application, one with a burst, need {}\n",
               s.records, s.files, fewest);
    return 1;
  }
  return generate(s, start.time);
}
