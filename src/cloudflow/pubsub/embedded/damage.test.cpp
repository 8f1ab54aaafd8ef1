/// The table of damages: damage.table says for each what happens. No cell is silent.
#include "cloudflow/pubsub/embedded/damage.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>

namespace cloudflow::pubsub::embedded {
namespace {

/// One line of the table.
struct cell {
  std::string file, damage, ended, outcome;
};

void PrintTo(const cell& c, std::ostream* out) { *out << c.outcome; }

std::vector<cell> read_table() {
  std::ifstream in{CLOUDFLOW_SOURCE_DIR "/src/cloudflow/pubsub/embedded/damage.table"};
  std::vector<cell> all;
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line.front() == '#') continue;
    std::istringstream words{line};
    cell read;
    words >> read.file >> read.damage >> read.ended >> read.outcome;
    all.push_back(read);
  }
  return all;
}

std::string name_of(const testing::TestParamInfo<cell>& of) {
  auto name = of.param.file + "_" + of.param.damage + "_" + of.param.ended;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

const damaged_log& log_that(const std::string& ended) {
  static const damaged_log killed{damaged_log::ended::killed}, closed{damaged_log::ended::closed};
  return ended == "killed" ? killed : closed;
}

/// What a loss of power leaves of a record that was being written to one of RocksDB's log files:
/// its size is there, and its bytes are not.
std::string half_written_record() {
  constexpr std::size_t held = 40;
  std::string record{"\x12\x34\x56\x78", 4};  // the checksum
  record += {static_cast<char>(held), '\0', '\1'};
  return record + std::string(held, '\0');
}

/// The files with one of them damaged; none: the damage cannot be done to it.
std::optional<file_map> damaged_files(const damaged_log& of, const cell& how) {
  constexpr std::size_t zeros = 4096;
  auto files = of.files();
  const auto path = of.path_of(how.file);
  if (path.empty()) return {};
  auto& bytes = files.at(path);
  if (how.damage == "removed") {
    files.erase(path);
  } else if (how.damage == "emptied") {
    bytes.clear();
  } else if (how.damage == "cut") {
    bytes.resize(bytes.size() / 2);
  } else if (how.damage == "bit-flipped" && !bytes.empty()) {
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 4);
  } else if (how.damage == "zeroed") {
    const auto at = bytes.size() > zeros ? (bytes.size() - zeros) / 2 : 0;
    const auto size = std::min(zeros, bytes.size());
    bytes.replace(at, size, size, '\0');
  } else if (how.damage == "end-flipped" && !bytes.empty()) {
    bytes.back() = static_cast<char>(bytes.back() ^ 4);
  } else if (how.damage == "torn") {
    bytes += half_written_record();
  } else if (how.damage == "older" && of.older().contains(path)) {
    bytes = of.older().at(path);
  }
  return files;
}

class damage_table : public testing::TestWithParam<cell> {};

TEST_P(damage_table, the_data_are_right_or_refused_twice_with_the_same_words) {
  const auto& how = GetParam();
  const auto& log = log_that(how.ended);
  const auto files = damaged_files(log, how);
  ASSERT_TRUE(files) << "there is no such file";
  fault_rule rule;
  if (how.damage == "EIO")
    rule = [path = log.path_of(how.file)](file_operation, std::string_view at) {
      const auto name = at.substr(at.rfind('/') + 1);
      return path.ends_with(name) ? file_failure::io : file_failure::none;
    };
  const auto found = log.open(*files, rule);
  using kind = damaged_log::outcome::kind;
  const auto* text = found.what == kind::right     ? "right"
                     : found.what == kind::refused ? "refused"
                                                   : "WRONG";
  EXPECT_EQ(text, how.outcome) << found.message;
  RecordProperty("message", found.message);
}

INSTANTIATE_TEST_SUITE_P(fault_c1_c2, damage_table, testing::ValuesIn(read_table()), name_of);

TEST(damage_table, has_every_file_of_a_log_and_every_damage) {
  const auto cells = read_table();
  const std::vector<std::string> files{"WAL",     "SST",      "MANIFEST", "CURRENT",
                                       "OPTIONS", "IDENTITY", "LOCK",     "COMMITS"};
  const std::vector<std::string> damages{
      "removed", "emptied", "cut", "bit-flipped", "end-flipped", "torn", "zeroed", "older", "EIO"};
  for (const auto& file : files)
    for (const auto& damage : damages)
      for (const std::string ended : {"killed", "closed"})
        EXPECT_EQ(std::count_if(cells.begin(), cells.end(),
                                [&](const cell& each) {
                                  return each.file == file && each.damage == damage &&
                                         each.ended == ended;
                                }),
                  1)
            << file << " " << damage << " " << ended;
}

// -- at random ------------------------------------------------------------------------------------

/// One damage at one place, both drawn by lot.
struct random_damage {
  file_map files;
  fault_rule rule;
  std::string kind, text;
};

random_damage damage_by_lot(const damaged_log& log, std::mt19937_64& random) {
  const auto below = [&](std::size_t bound) { return static_cast<std::size_t>(random() % bound); };
  random_damage made{.files = log.files(), .rule = {}, .kind = {}, .text = {}};
  const auto chosen =
      std::next(made.files.begin(), static_cast<std::ptrdiff_t>(below(made.files.size())));
  const auto path = chosen->first;
  const auto name = path.substr(path.rfind('/') + 1);
  auto& bytes = chosen->second;
  const auto size = bytes.size(), at = below(size + 1);
  constexpr std::array kinds{"removed", "emptied", "cut", "bit-flipped", "zeroed", "older", "EIO"};
  made.kind = kinds[below(kinds.size())];
  made.text = fmt::format("{} {} at {} of {}", name, made.kind, at, size);
  if (made.kind == "removed") {
    made.files.erase(chosen);
  } else if (made.kind == "emptied") {
    bytes.clear();
  } else if (made.kind == "cut") {
    bytes.resize(at);
  } else if (made.kind == "bit-flipped" && at != size) {
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
  } else if (made.kind == "zeroed") {
    const auto count = std::min(size - at, 1 + below(4096));
    bytes.replace(at, count, count, '\0');
  } else if (made.kind == "older" && log.older().contains(path)) {
    bytes = log.older().at(path);
  } else if (made.kind == "EIO") {
    made.rule = [name](file_operation, std::string_view which) {
      return which.ends_with(name) ? file_failure::io : file_failure::none;
    };
  }
  return made;
}

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const auto* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::stoull(text);
}

/// `./dev soak damage` is the long form.
TEST(damage_by_lot, is_never_silent) {
  const auto seed = number_from("CLOUDFLOW_SEED", std::random_device{}());
  const auto damages = number_from("CLOUDFLOW_DAMAGES", 10);
  std::mt19937_64 random{seed};
  std::map<std::string, std::array<int, 3>> counts;
  fmt::print("seed {}\n", seed);
  std::fflush(stdout);  // RocksDB may end the process
  for (std::uint64_t i = 0; i != damages; ++i) {
    const auto& log = log_that(random() % 2 == 0 ? "killed" : "closed");
    const auto made = damage_by_lot(log, random);
    const auto found = log.open(made.files, made.rule);
    ++counts[made.kind][static_cast<std::size_t>(found.what)];
    EXPECT_NE(found.what, damaged_log::outcome::kind::wrong)
        << "seed " << seed << ", damage " << i << ": " << made.text << ": " << found.message;
  }
  fmt::print("{:12} {:>7} {:>7} {:>7}\n", "damage", "right", "refused", "wrong");
  for (const auto& [kind, count] : counts)
    fmt::print("{:12} {:>7} {:>7} {:>7}\n", kind, count[0], count[1], count[2]);
}

TEST(fault_c2, a_sound_log_is_opened) {
  for (const std::string ended : {"killed", "closed"}) {
    const auto found = log_that(ended).open(log_that(ended).files());
    EXPECT_EQ(found.what, damaged_log::outcome::kind::right) << found.message;
  }
}

}  // namespace
}  // namespace cloudflow::pubsub::embedded
