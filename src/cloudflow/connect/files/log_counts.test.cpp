// What is counted here, counted by hand (counts.json), and counted by a parser that shares nothing
// with ours.

#include "cloudflow/connect/files/log_records.hpp"
#include "cloudflow/connect/files/object_store.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <ratio>
#include <string>

namespace cloudflow::connect {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const fs::path source{CLOUDFLOW_SOURCE_DIR};
const fs::path our_logs = source / "examples/log-processor/testdata/logs";
/// When our logs were written, as far as their times depend on it.
constexpr timestamp written =
    std::chrono::sys_days{std::chrono::year{2024} / 3 / 1} + std::chrono::minutes{630};

/// With another time of modification, since that of a checked out file says nothing.
class dated_object final : public stored_object {
public:
  dated_object(std::unique_ptr<stored_object> object, timestamp time)
    : object_(std::move(object)), info_(object_->info()) {
    info_.last_modified = time;
  }
  const object_info& info() const noexcept override { return info_; }
  object_result<std::size_t> read(std::uint64_t offset, std::span<char> into) override {
    return object_->read(offset, into);
  }

private:
  std::unique_ptr<stored_object> object_;
  object_info info_;
};

struct counts {
  json files = json::object();
  std::map<std::pair<std::string, std::int64_t>, std::pair<int, int>> windows;
};

void count(counts& all, const std::string& key, stored_object& object) {
  const auto layouts = log_layouts::make({}).value();
  auto opened = log_records::open(object, layouts);
  ASSERT_TRUE(opened) << opened.error().message;
  auto& records = **opened;
  json levels = json::object();
  json invalid_lines = json::array();
  const auto app = fs::path{key}.stem().string();
  for (;;) {
    auto item = records.next();
    ASSERT_TRUE(item) << item.error().message;
    if (!item->has_value()) break;
    if (!(*item)->is_record()) {
      invalid_lines.push_back((*item)->at.line);
      continue;
    }
    const auto& fields = (*item)->fields;
    const std::string level{fields.level};
    levels[level] = levels.value(level, 0) + 1;
    using windows = std::chrono::duration<std::int64_t, std::ratio<120>>;
    const std::chrono::milliseconds begin =
        std::chrono::floor<windows>(fields.time.time_since_epoch());
    auto& [messages, problems] = all.windows[{app, begin.count()}];
    ++messages;
    problems += level == "WARN" || level == "ERROR" ? 1 : 0;
  }
  const auto c = records.counters();
  all.files[key] = {
      {"app", app},           {"layout", records.layout().name()}, {"lines", c.lines()},
      {"records", c.records}, {"continuation", c.continuations},   {"invalid", c.invalid},
      {"levels", levels},     {"invalidLines", invalid_lines}};
}

counts count_ours(const fs::path& directory, timestamp object_time) {
  counts all;
  auto store = open_directory_store(directory).value();
  const auto listed = store->list("").value();
  for (const auto& entry : listed) {
    auto object = store->open(entry.key);
    EXPECT_TRUE(object) << object.error().message;
    if (!object) continue;
    dated_object dated{std::move(object).value(), object_time};
    count(all, entry.key, dated);
  }
  return all;
}

counts count_by_script(const fs::path& directory, const std::string& object_time) {
  const auto command = "python3 '" + (source / "tests/count_logs.py").string() +
                       "' --object-time " + object_time + " '" + directory.string() + "'";
  std::string text;
  const std::unique_ptr<FILE, int (*)(FILE*)> out{::popen(command.c_str(), "r"), &::pclose};
  std::array<char, 4096> buf{};
  while (const auto n = std::fread(buf.data(), 1, buf.size(), out.get()))
    text.append(buf.data(), n);
  const auto report = json::parse(text, nullptr, false);
  EXPECT_FALSE(report.is_discarded()) << command << "\nprinted: " << text;
  counts all;
  if (report.is_discarded()) return all;
  all.files = report["files"];
  for (const auto& w : report["windows"])
    all.windows[{w["app"], w["windowstart"]}] = {w["messages"], w["problems"]};
  return all;
}

json expected_by_hand() {
  std::ifstream in{source / "examples/log-processor/testdata/counts.json"};
  return json::parse(in);
}

void expect_equal(const counts& ours, const counts& theirs) {
  for (const auto& [key, file] : ours.files.items())
    EXPECT_EQ(file, theirs.files.value(key, json{})) << key;
  EXPECT_EQ(ours.files.size(), theirs.files.size());
  EXPECT_EQ(ours.windows, theirs.windows);
}

TEST(log_counts, equal_those_made_by_hand) {
  const auto expected = expected_by_hand();
  ASSERT_EQ(scan_iso8601(expected["objectTime"].get<std::string>(), {}).time, written);
  const auto ours = count_ours(our_logs, written);
  EXPECT_EQ(ours.files.size(), expected["files"].size());
  for (const auto& [name, counted] : expected["files"].items()) {
    ASSERT_TRUE(ours.files.contains(name + ".log")) << name;
    for (const auto& [what, number] : counted.items())
      EXPECT_EQ(ours.files[name + ".log"][what], number) << name << ": " << what;
  }
}

TEST(log_counts, equal_those_of_a_parser_that_shares_nothing_with_ours) {
  const auto ours = count_ours(our_logs, written);
  ASSERT_GT(ours.files.size(), 10u);
  expect_equal(ours, count_by_script(our_logs, to_iso8601(written)));
}

#ifdef CLOUDFLOW_REAL_LOGS  // not ours to pass on: compared where they lie beside the checkout
TEST(log_counts, equal_those_of_that_parser_on_real_logs) {
  const fs::path real_logs = CLOUDFLOW_REAL_LOGS;
  const auto ours = count_ours(real_logs, timestamp{});
  ASSERT_GT(ours.files.size(), 0u);
  expect_equal(ours, count_by_script(real_logs, to_iso8601(timestamp{})));
}
#endif

}  // namespace
}  // namespace cloudflow::connect
