#include "cloudflow/sandbox/log_server.hpp"

#include "cloudflow/base/named_thread.hpp"
#include "cloudflow/sandbox/socket.hpp"
#include "cloudflow/sandbox/wire.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <thread>

namespace cloudflow::sandbox {

namespace {

using wire::verb;

/// Clients that have gone leave their producers behind.
constexpr std::size_t most_producers = 16;
/// An answer has room for it in a frame, and beyond it for one batch.
constexpr std::size_t most_read = 16 * 1024 * 1024;

/// Answers requests, one by one.
class answering {
public:
  answering(pubsub::backend& log, log_server::application inside)
    : log_(&log), inside_(std::move(inside)) {}

  /// A byte that says whether all went well, then the value or the error.
  byte_writer answer(std::string_view request) {
    byte_reader in{request};
    const auto version = in.get_long();
    const auto what = static_cast<verb>(in.get_byte());
    byte_writer out;
    out.put_byte(0);
    auto done = version == wire::version ? handle(what, in, out) : other_version();
    if (done && !in.complete()) done = other_version();
    if (!done) {
      out.clear();
      out.put_byte(1);
      wire::put(out, done.error());
    }
    return out;
  }

private:
  using outcome = pubsub::result<void>;

  static pubsub::error other_version() {
    return {pubsub::errc::unsupported,
            "the application that runs is of another version than this command"};
  }

  /// Writes what a call has given, or passes its error on.
  template <class T, class Put>
  static outcome reply(pubsub::result<T> value, Put&& put) {
    if (!value) return std::move(value).error();
    put(*value);
    return {};
  }
  template <class T>
  static void put_all(byte_writer& out, const std::vector<T>& all) {
    out.put_long(static_cast<std::int64_t>(all.size()));
    for (const auto& each : all) wire::put(out, each);
  }

  outcome handle(verb what, byte_reader& in, byte_writer& out) {
    switch (what) {
      case verb::topics: return reply(log_->topics(), [&](auto& all) { put_all(out, all); });
      case verb::topic:
        return reply(log_->topic(in.get_text()), [&](auto& t) { wire::put(out, t); });
      case verb::read: return read(in, out);
      case verb::position: return position(in, out);
      case verb::has_members:
        return reply(log_->has_members(in.get_text()), [&](bool is) { out.put_byte(is ? 1 : 0); });
      case verb::offset_at: return offset_at(in, out);
      case verb::find_schema: return find_schema(in, out);
      case verb::open_producer: return open_producer(in, out);
      case verb::commit: return commit(in);
      case verb::status: return put_all(out, inside_.status()), outcome{};
      case verb::backup: return backup(in);
    }
    return other_version();
  }

  outcome read(byte_reader& in, byte_writer& out) const {
    const auto source = wire::get_topic_partition(in);
    const record_offset from{in.get_long()};
    const auto records = static_cast<std::size_t>(in.get_long());
    const auto bytes = static_cast<std::size_t>(in.get_long());
    const pubsub::fetch_limits limits{records, std::min(bytes, most_read)};
    return reply(log_->read(source, from, limits), [&](auto& batch) { wire::put(out, batch); });
  }
  outcome position(byte_reader& in, byte_writer& out) const {
    const auto group = in.get_text();
    return reply(log_->position(group, wire::get_topic_partition(in)), [&](auto& next) {
      wire::put(out, next ? std::optional{next->value()} : std::nullopt);
    });
  }
  outcome offset_at(byte_reader& in, byte_writer& out) const {
    const auto source = wire::get_topic_partition(in);
    const auto at = get_time(in);
    return reply(log_->offset_at(source, at), [&](auto& offset) { out.put_long(offset.value()); });
  }
  outcome find_schema(byte_reader& in, byte_writer& out) const {
    return reply(log_->schemas().find(in.get_text()), [&](auto& text) {
      out.put_byte(text ? 1 : 0);
      out.put_text(text.value_or(std::string{}));
    });
  }

  /// Producers stay open between the requests of a client, so that the next owner of a name fences
  /// it.
  outcome open_producer(byte_reader& in, byte_writer& out) {
    const std::string id{in.get_text()};
    if (!in.complete()) return other_version();
    std::erase_if(producers_, [&id](const auto& p) { return p.second.id == id; });
    if (producers_.size() == most_producers) producers_.erase(producers_.begin());
    return reply(log_->open_producer({.transactional_id = id}), [&](auto& opened) {
      out.put_long(++last_number_);
      producers_[last_number_] = {id, std::move(opened)};
    });
  }
  outcome commit(byte_reader& in) {
    const auto found = producers_.find(in.get_long());
    const auto transaction = wire::get_transaction(in);
    if (!in.complete()) return other_version();
    if (found == producers_.end())
      return pubsub::error{pubsub::errc::fenced,
                           "somebody else does the same at this moment: try again"};
    return found->second.out->commit(transaction.changes);
  }

  outcome backup(byte_reader& in) const {
    const std::string to{in.get_text()};
    if (!in.complete()) return other_version();
    return inside_.backup(to);
  }

  struct open_one {
    std::string id;
    std::unique_ptr<pubsub::producer> out;
  };
  pubsub::backend* log_;
  log_server::application inside_;
  std::map<std::int64_t, open_one> producers_;  // the oldest first
  std::int64_t last_number_ = 0;
};

}  // namespace

class log_server::serving {
public:
  serving(int listener, std::filesystem::path socket, answering answers)
    : listener_(listener),
      socket_(std::move(socket)),
      answers_(std::move(answers)),
      thread_(named_thread("commands", [this](const std::stop_token& stop) { run(stop); })) {}
  ~serving() {
    thread_.request_stop();
    thread_.join();
    ::close(listener_);
    ::unlink(socket_.c_str());
  }
  serving(const serving&) = delete;
  serving& operator=(const serving&) = delete;

private:
  /// One connection after the other: these are people and scripts, not load.
  void run(const std::stop_token& stop) {
    constexpr int look_every_ms = 100;
    while (!stop.stop_requested()) {
      pollfd waiting{listener_, POLLIN, 0};
      if (::poll(&waiting, 1, look_every_ms) <= 0) continue;
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      // A client that hangs must keep neither others waiting nor the application from stopping.
      wire::connection other{fd, std::chrono::seconds{2}};
      if (const auto request = other.read()) other.write(answers_.answer(*request).view());
    }
  }

  const int listener_;
  const std::filesystem::path socket_;
  answering answers_;
  std::jthread thread_;
};

log_server::log_server(std::unique_ptr<serving> s) : serving_(std::move(s)) {}
log_server::~log_server() = default;

result<std::unique_ptr<log_server>> log_server::start(const std::filesystem::path& socket,
                                                      pubsub::backend& log, application inside) {
  const auto address = address_of(socket);
  if (!address)
    return error{fmt::format("{}: the path of the socket is too long: choose a shorter --state",
                             socket.string())};
  constexpr int waiting_connections = 16;
  const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ::unlink(socket.c_str());
  // Whoever may connect may read and write all records. The mode is set before there is anything to
  // connect to.
  constexpr mode_t owner_only = 0600;
  if (listener < 0 || ::fchmod(listener, owner_only) != 0 ||
      ::bind(listener, reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0 ||
      ::listen(listener, waiting_connections) != 0) {
    const std::string why = std::strerror(errno);
    if (listener >= 0) ::close(listener);
    return error{fmt::format("{}: {}", socket.string(), why)};
  }
  return std::unique_ptr<log_server>{new log_server(
      std::make_unique<serving>(listener, socket, answering{log, std::move(inside)}))};
}

}  // namespace cloudflow::sandbox
