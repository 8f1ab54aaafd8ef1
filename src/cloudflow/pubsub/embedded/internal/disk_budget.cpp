#include "cloudflow/pubsub/embedded/internal/disk_budget.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace cloudflow::pubsub::embedded {
namespace {

// How much is written before the directory is measured again, where there is a bound.
constexpr std::uint64_t measure_every = 16 * 1024 * 1024;
constexpr std::uint64_t measures_per_bound = 16;
// What commits that move a position may use beyond the bound, as a share of it.
constexpr std::uint64_t reserve_share = 8;
// What stays free on the disk: RocksDB writes tables in the background, and a write-ahead log that
// cannot be written ends the session.
constexpr std::uint64_t free_bytes = 64 * 1024 * 1024;

}  // namespace

disk_budget::disk_budget(const options& wanted, const storage& disk, const topic_table& topics)
  : options_(wanted), disk_(disk), topics_(topics) {
  if (wanted.disk_bound != 0) measured_ = disk.disk_bytes();
}

std::optional<error> disk_budget::reserve(std::size_t bytes, bool makes_room) {
  if (auto full = check_disk(bytes)) return full;
  if (options_.disk_bound == 0) return {};
  return check_bound(bytes, makes_room);
}

std::uint64_t disk_budget::measure() {
  const auto bytes = disk_.disk_bytes();
  const std::lock_guard lock{mutex_};
  measured_ = bytes;
  written_since_ = 0;
  return bytes;
}

std::optional<error> disk_budget::check_bound(std::size_t bytes, bool makes_room) {
  const std::lock_guard lock{mutex_};
  if (written_since_ > std::min(measure_every, options_.disk_bound / measures_per_bound)) {
    measured_ = disk_.disk_bytes();
    written_since_ = 0;
  }
  const auto bound = options_.disk_bound + (makes_room ? options_.disk_bound / reserve_share : 0);
  const auto used = measured_ + written_since_ + bytes;
  if (used <= bound) {
    written_since_ += bytes;
    return {};
  }
  return error{
      errc::disk_full,
      fmt::format("The log in {} would take {} bytes, which is over its bound of {}.{} "
                  "Let its readers catch up, lower retention.ms or retention.bytes, "
                  "raise the bound, or forget a group that is no more.",
                  options_.directory.string(), used, options_.disk_bound, largest_topic())};
}

std::optional<error> disk_budget::check_disk(std::size_t bytes) const {
  const auto free = disk_.free_bytes();
  if (!free || *free >= bytes + free_bytes) return {};
  return error{errc::disk_full,
               fmt::format("The disk of the log in {} has {} bytes left, and {} of them are kept "
                           "free. Make room on the disk.",
                           options_.directory.string(), *free, free_bytes)};
}

/// Whom the space belongs to: the largest topic, and the group that holds it.
std::string disk_budget::largest_topic() const {
  const topic_state* largest = nullptr;
  std::uint64_t most = 0;
  for (const auto* topic : topics_.all()) {
    std::uint64_t bytes = 0;
    for (std::int32_t i = 0; i != topic->partition_count(); ++i)
      bytes += topic->partition(partition_id{i}).stored_bytes();
    if (bytes > most) largest = topic;
    most = std::max(most, bytes);
  }
  if (largest == nullptr) return {};
  auto text = fmt::format(" The largest topic is {} with {} bytes.", largest->spec().name, most);
  for (std::int32_t i = 0; i != largest->partition_count(); ++i) {
    const auto& partition = largest->partition(partition_id{i});
    const auto slowest = partition.slowest_reader();
    const auto end = partition.end().offset;
    if (slowest && slowest->next < end)
      return text + fmt::format(" Group {} has yet to read {} records of its partition {}.",
                                slowest->group, end - slowest->next, i);
  }
  return text + " No group has anything left to read in it; retention keeps it.";
}

}  // namespace cloudflow::pubsub::embedded
