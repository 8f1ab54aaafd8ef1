#include "cloudflow/pubsub/kafka/internal/catalog.hpp"

#include "cloudflow/pubsub/kafka/internal/connection.hpp"

#include <charconv>

namespace cloudflow::pubsub::kafka {

namespace {

constexpr std::chrono::milliseconds pause_between_reads{100};
constexpr fetch_limits page = {.max_records = 10'000, .max_bytes = 4 * 1024 * 1024};
constexpr std::string_view schema_kind = "schema/";
const std::string cleanup = "cleanup.policy", compaction = "compact";

}  // namespace

catalog::catalog(std::shared_ptr<connection> session, const admin& requests, const reader& records)
  : session_(std::move(session)),
    requests_(requests),
    records_(records),
    where_{session_->wanted().catalog_topic, partition_id{0}} {}

// -- reading --------------------------------------------------------------------------------------

result<void> catalog::load() {
  if (is_loaded_) return {};
  CLOUDFLOW_TRY(follow());
  is_loaded_ = true;
  return {};
}

result<void> catalog::follow() {
  while (true) {
    auto batch = records_.read(where_, next_, page);
    followed_at_ = session_->time().monotonic();
    if (!batch && batch.error().code == errc::topic_not_found) return {};  // nobody has written yet
    if (!batch && batch.error().code == errc::offset_out_of_range && next_ != record_offset{0}) {
      // Somebody has made the topic anew.
      entries_.clear();
      next_ = record_offset{0};
      continue;
    }
    if (!batch) return std::move(batch).error();
    topic_exists_ = true;
    for (const auto& record : batch->records()) {
      if (record.value.data() == nullptr)
        entries_.erase(std::string{record.key});
      else
        entries_.insert_or_assign(std::string{record.key}, std::string{record.value});
    }
    if (!batch->next()) return {};
    next_ = *batch->next();
  }
}

std::optional<catalog::entry> catalog::look(const std::string& key, match how) const {
  const auto found = entries_.lower_bound(key);
  if (found == entries_.end()) return std::nullopt;
  if (how == match::all ? found->first != key : !found->first.starts_with(key)) return std::nullopt;
  return *found;
}

result<std::optional<catalog::entry>> catalog::search(const std::string& key, match how) {
  const std::lock_guard lock{mutex_};
  const auto was_loaded = is_loaded_;
  CLOUDFLOW_TRY(load());
  if (auto found = look(key, how)) return found;
  const auto may_have_news =
      was_loaded && session_->time().monotonic() - followed_at_ >= pause_between_reads;
  if (!may_have_news) return std::optional<entry>{};
  CLOUDFLOW_TRY(follow());
  return look(key, how);
}

result<std::optional<catalog::entry>> catalog::find_first(const std::string& beginning) {
  return search(beginning, match::beginning);
}

result<std::optional<std::string>> catalog::find(const std::string& key) {
  auto found = CLOUDFLOW_TRY(search(key, match::all));
  if (!found) return std::optional<std::string>{};
  return std::move(found->second);
}

result<std::vector<catalog::entry>> catalog::all(const std::string& beginning) {
  const std::lock_guard lock{mutex_};
  CLOUDFLOW_TRY(follow());
  is_loaded_ = true;
  std::vector<entry> found;
  for (auto at = entries_.lower_bound(beginning);
       at != entries_.end() && at->first.starts_with(beginning); ++at)
    found.emplace_back(*at);
  return found;
}

// -- writing --------------------------------------------------------------------------------------

result<void> catalog::ensure_topic() {
  if (is_writable_) return {};
  if (!topic_exists_) {
    const topic_spec wanted{.name = where_.topic,
                            .partitions = 1,
                            .properties = {{cleanup, compaction}},
                            .base_schema = {},
                            .replication = session_->wanted().replication};
    CLOUDFLOW_TRY(requests_.create(wanted));
    topic_exists_ = true;
  }
  CLOUDFLOW_TRY(ensure_compaction());
  is_writable_ = true;
  return {};
}

/// In a topic that somebody else has made, schemas would be gone after a week.
result<void> catalog::ensure_compaction() {
  const auto properties = CLOUDFLOW_TRY(requests_.properties(std::span{&where_.topic, 1}));
  const auto found = properties.front().find(cleanup);
  if (found == properties.front().end() || found->second.value == compaction) return {};
  session_->log().info("topic {}: {} is {}, is set to {}", where_.topic, cleanup,
                       found->second.value, compaction);
  return requests_.alter(where_.topic, {{cleanup, compaction}});
}

result<void> catalog::put(const std::string& key, const std::string& value) {
  const std::lock_guard lock{mutex_};
  CLOUDFLOW_TRY(load());
  if (const auto found = entries_.find(key); found != entries_.end() && found->second == value)
    return {};
  CLOUDFLOW_TRY(ensure_topic());
  CLOUDFLOW_TRY(requests_.append(where_.topic, key, value));
  entries_.insert_or_assign(key, value);
  return {};
}

// -- schemas --------------------------------------------------------------------------------------

std::string to_hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text.push_back(digits[byte >> 4]);
    text.push_back(digits[byte & 15]);
  }
  return text;
}

std::optional<std::string> from_hex(std::string_view digits) {
  if (digits.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i != digits.size(); i += 2) {
    unsigned byte = 0;
    const auto* end = digits.data() + i + 2;
    if (std::from_chars(digits.data() + i, end, byte, 16).ptr != end) return std::nullopt;
    bytes.push_back(static_cast<char>(byte));
  }
  return bytes;
}

result<void> catalog_schemas::put(std::string_view fingerprint, std::string_view text) {
  return entries_.put(std::string{schema_kind} + to_hex(fingerprint), std::string{text});
}

result<std::optional<std::string>> catalog_schemas::find(
    std::string_view fingerprint_prefix) const {
  auto found =
      CLOUDFLOW_TRY(entries_.find_first(std::string{schema_kind} + to_hex(fingerprint_prefix)));
  if (!found) return std::optional<std::string>{};
  return std::move(found->second);
}

}  // namespace cloudflow::pubsub::kafka
