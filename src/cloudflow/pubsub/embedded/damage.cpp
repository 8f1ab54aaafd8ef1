#include "cloudflow/pubsub/embedded/damage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace cloudflow::pubsub::embedded {
namespace {

constexpr int before_reopening = 30, before_older = 20, commits = 60, partitions = 2;
constexpr std::size_t value_size = 300;
const topic_spec topic{"t", partitions, {}, {}};
const std::filesystem::path directory{"/log"};

std::string value_of(int commit) {
  return fmt::format("value {} ", commit) + std::string(value_size, 'v');
}

void commit(producer& out, int number) {
  record_buffer records;
  records.append("key", value_of(number));
  transaction changes;
  changes.outputs.push_back({"t", partition_id{number % partitions}, &records});
  const auto state = std::to_string(number);
  changes.state.push_back({"s", {}, "last", state});
  changes.positions.push_back({"g", "t", partition_id{0}, record_offset{number}});
  const auto done = out.commit(changes);
  CLOUDFLOW_ASSERT(done.has_value(), "a sound log takes a commit");
}

std::unique_ptr<log> open_on(const simulated_disk& disk, const clock& time) {
  auto opened =
      open({.directory = directory, .file_system = const_cast<simulated_disk&>(disk).file_system()},
           time);
  CLOUDFLOW_ASSERT(opened.has_value(), "a sound log opens");
  return std::move(opened).value();
}

}  // namespace

damaged_log::damaged_log(ended how) {
  simulated_disk disk{1};
  int number = 0;
  auto log = open_on(disk, clock_);
  log->ensure_topic(topic).value();
  auto out = log->open_producer({.transactional_id = "w"}).value();
  while (number != before_reopening) commit(*out, number++);
  // Opened again, what was in the write-ahead log lies in tables.
  log.reset();
  log = open_on(disk, clock_);
  out = log->open_producer({.transactional_id = "w"}).value();
  while (number != before_reopening + before_older) commit(*out, number++);
  older_ = disk.contents();
  while (number != commits) commit(*out, number++);
  if (how == ended::killed) files_ = disk.contents();
  log.reset();
  if (how == ended::closed) files_ = disk.contents();
}

std::string damaged_log::path_of(std::string_view kind) const {
  const std::map<std::string_view, std::string_view> suffixes{{"WAL", ".log"}, {"SST", ".sst"}};
  const auto suffix = suffixes.find(kind);
  std::string found;
  for (const auto& [path, content] : files_) {
    const auto name = std::string_view{path}.substr(path.rfind('/') + 1);
    if (suffix == suffixes.end() ? name.starts_with(kind) : name.ends_with(suffix->second))
      found = path;
  }
  return found;
}

damaged_log::outcome damaged_log::open(const file_map& files, const fault_rule& rule) const {
  using kind = outcome::kind;
  simulated_disk disk{1};
  disk.set_contents(files);
  std::optional<std::string> refusal;
  for (int attempt = 0; attempt != 2; ++attempt) {
    auto on = disk.file_system();
    if (rule) on = with_faults(on, rule);
    const auto opened =
        embedded::open({.directory = directory, .file_system = std::move(on)}, clock_);
    if (opened) {
      if (refusal) return {kind::wrong, "refused once, then opened: " + *refusal};
      const auto difference = difference_in(**opened);
      return {difference.empty() ? kind::right : kind::wrong, difference};
    }
    const auto& message = opened.error().message;
    if (refusal && *refusal != message) return {kind::wrong, *refusal + " | then: " + message};
    refusal = message;
    if (disk.contents() != files) return {kind::wrong, "refused, and files changed: " + message};
  }
  return {kind::refused, *refusal};
}

std::string damaged_log::difference_in(const backend& log) const {
  for (int p = 0; p != partitions; ++p) {
    const auto found = log.read({"t", partition_id{p}}, record_offset{0}, {10'000, 1 << 30});
    if (!found) return "reading: " + found.error().message;
    int number = p;
    for (const auto& record : found->records()) {
      if (record.value != value_of(number)) return fmt::format("record {} is another", number);
      number += partitions;
    }
    if (number < commits) return fmt::format("partition {} ends at record {}", p, number);
  }
  const auto state = log.state().find("s", {}, "last");
  if (!state) return "state: " + state.error().message;
  if (*state != std::to_string(commits - 1)) return "state is another";
  const auto position = log.position("g", {"t", partition_id{0}});
  if (!position) return "position: " + position.error().message;
  if (*position != record_offset{commits - 1}) return "the position is another";
  return {};
}

}  // namespace cloudflow::pubsub::embedded
