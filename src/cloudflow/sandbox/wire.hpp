/// What the two ends of the sandbox's socket say to each other: a request and its answer, each a
/// frame of bytes.
#pragma once

#include "cloudflow/base/bytes.hpp"
#include "cloudflow/pubsub/backend.hpp"
#include "cloudflow/runtime/metrics.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflow::sandbox::wire {

/// Stands in front of every request: an application answers its own kind only.
inline constexpr std::int64_t version = 5;

enum class verb : std::uint8_t {
  topics,
  topic,
  read,
  position,
  has_members,
  offset_at,
  find_schema,
  open_producer,
  commit,
  status,
  backup,
};

/// A connected socket, which it owns. Confined to one thread.
class connection {
public:
  /// `patience`: for each frame, from its first byte to its last; none: without end.
  explicit connection(int fd, std::optional<std::chrono::milliseconds> patience = {})
    : fd_(fd), patience_(patience) {}
  ~connection();
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  /// False when the other end is gone, or takes longer than that.
  bool write(std::string_view frame);
  /// None when the other end is gone, takes longer than that, or sends more than 64 MiB.
  std::optional<std::string> read();
  /// The other end has taken longer.
  bool has_timed_out() const noexcept { return has_timed_out_; }

private:
  using time_point = std::chrono::steady_clock::time_point;
  time_point deadline() const;
  bool wait_for(short what, time_point until);
  bool read_exactly(char* to, std::size_t size, time_point until);
  int fd_;
  std::optional<std::chrono::milliseconds> patience_;
  bool has_timed_out_ = false;
};

// -- values: each put_ has its get_, which fails the reader on bytes that are no such value -------

void put(byte_writer& out, const pubsub::error& e);
void put(byte_writer& out, const pubsub::topic_info& t);
void put(byte_writer& out, const pubsub::topic_partition& p);
void put(byte_writer& out, const pubsub::record_batch& b);
void put(byte_writer& out, const runtime::task_status& t);
void put(byte_writer& out, std::optional<std::int64_t> n);
/// State is not for others to change: @pre there is none in it.
void put(byte_writer& out, const pubsub::transaction& t);

pubsub::error get_error(byte_reader& in);
pubsub::topic_info get_topic(byte_reader& in);
pubsub::topic_partition get_topic_partition(byte_reader& in);
/// The batch keeps `bytes`, in which `in` reads.
pubsub::record_batch get_batch(byte_reader& in, std::shared_ptr<const std::string> bytes);
runtime::task_status get_status(byte_reader& in);
std::optional<std::int64_t> get_optional(byte_reader& in);

/// A transaction with its records. Its names borrow from the bytes that it was read from.
struct owned_transaction {
  std::vector<std::unique_ptr<record_buffer>> records;
  pubsub::transaction changes;
};
owned_transaction get_transaction(byte_reader& in);

}  // namespace cloudflow::sandbox::wire
