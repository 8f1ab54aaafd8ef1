/// The only place that knows RocksDB: keys and values in column families, written together or not at all.
#pragma once

#include "cloudflow/base/bytes.hpp"
#include "cloudflow/pubsub/embedded/log.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace cloudflow::pubsub::embedded {

enum class family { records, meta, positions, state, schemas };

/// Changes that become durable together. Keeps its capacity over clear(). Confined to one thread.
class write_set {
public:
  write_set(write_set&&) noexcept;
  ~write_set();
  void put(family where, std::string_view key, std::string_view value);
  void erase(family where, std::string_view key);
  /// Keys from `first` to before `end`.
  void erase_range(family where, std::string_view first, std::string_view end);
  void clear();

private:
  friend class storage;
  struct impl;
  explicit write_set(std::unique_ptr<impl> parts);
  std::unique_ptr<impl> impl_;
};

struct key_range {
  std::string first, end;
};

/// Thread-safe. Errors say what RocksDB says, with the directory.
class storage {
public:
  /// `f` gets a key and its value, both valid during the call only, and returns false to stop.
  using visitor = std::function<bool(std::string_view key, std::string_view value)>;

  static result<std::unique_ptr<storage>> open(const options& wanted);
  ~storage();

  result<std::optional<std::string>> get(family where, std::string_view key) const;
  /// All keys from `from` on, in order.
  result<void> scan(family where, std::string_view from, const visitor& f) const;
  /// Like scan, but begins with the last key that is not behind `from`, if there is one.
  result<void> scan_from_floor(family where, std::string_view from, const visitor& f) const;
  write_set new_write_set() const;
  /// Durable when it returns, if `sync`. After the first failure there are no more writes, and the error is
  /// fatal: whether those bytes are found when the log is opened again, nobody can say.
  result<void> write(write_set& changes, bool sync);
  /// Gives the disk space of erased records back, as far as whole files go; all of it when `thoroughly`.
  result<void> reclaim(std::span<const key_range> erased, bool thoroughly);
  /// What the directory takes.
  std::uint64_t disk_bytes() const;
  /// What is left on the disk; none when that cannot be told.
  std::optional<std::uint64_t> free_bytes() const;

private:
  struct impl;
  explicit storage(std::unique_ptr<impl> parts);
  result<void> check_alive() const;
  std::unique_ptr<impl> impl_;
};

}  // namespace cloudflow::pubsub::embedded
