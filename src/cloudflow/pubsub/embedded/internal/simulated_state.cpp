#include "cloudflow/pubsub/embedded/internal/simulated_state.hpp"

#include <algorithm>

namespace cloudflow::pubsub::embedded {

std::string plain_path(const std::string& path) {
  std::string out;
  for (const char c : path)
    if (c != '/' || !out.ends_with('/')) out += c;
  if (out.size() > 1 && out.ends_with('/')) out.pop_back();
  return out;
}

std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

void simulated_disk::state::lose_power() {
  is_off = true;
  ++session;
  until_off = 0;
  const auto kept = below(unsynced.size() + 1);
  for (std::size_t i = 0; i != kept; ++i) apply(synced_entries, unsynced[i]);
  for (auto i = unsynced.size(); i-- > kept;) {
    if (unsynced[i].moved_from.empty()) continue;
    directories.erase(unsynced[i].name);
    directories.insert(unsynced[i].moved_from);
  }
  unsynced.clear();
  locks.clear();
  entries.clear();
  used = 0;
  std::map<simulated_file*, file_ptr> copies;  // what old handles hold stays theirs
  for (auto& [name, kept_file] : synced_entries) {
    auto& copy = copies[kept_file.get()];
    if (!copy) {
      copy = std::make_shared<simulated_file>(*kept_file);
      tear(*copy);
      used += copy->content.size();
    }
    kept_file = copy;
  }
  entries = synced_entries;
}

void simulated_disk::state::tear(simulated_file& torn) {
  constexpr std::size_t sector = 512;
  if (torn.before_overwritten && below(2) == 0) {
    torn.content = *torn.before_overwritten;
    torn.synced = torn.content.size();
  }
  torn.before_overwritten.reset();
  const auto lost = torn.content.size() - torn.synced;
  if (lost != 0) {
    // Both ends are as likely as everything between.
    const std::size_t choices[] = {0, lost, below(lost + 1)};
    torn.content.resize(torn.synced + choices[below(3)]);
    const auto kept = torn.content.size() - torn.synced;
    if (kept != 0 && below(4) == 0) {
      const auto zeros = std::min(kept, 1 + below(sector));
      std::fill(torn.content.end() - static_cast<std::ptrdiff_t>(zeros), torn.content.end(), '\0');
    }
  }
  torn.synced = torn.content.size();
}

}  // namespace cloudflow::pubsub::embedded
