#include "cloudflow/sandbox/socket_log.hpp"

#include "cloudflow/pubsub/at_once.hpp"
#include "cloudflow/sandbox/socket.hpp"
#include "cloudflow/sandbox/wire.hpp"

#include <fmt/format.h>

#include <chrono>
#include <optional>

namespace cloudflow::sandbox {

namespace {

using pubsub::errc;
using wire::verb;

pubsub::error gone(const std::filesystem::path& socket, std::string_view how) {
  return {errc::session_lost, fmt::format("{}: the application {}", socket.string(), how)};
}

pubsub::error only_inside(std::string_view what) {
  return {errc::unsupported,
          fmt::format("The application runs, and {} from outside then. Stop it first.", what)};
}

byte_writer request(verb what) {
  byte_writer out;
  out.put_long(wire::version);
  out.put_byte(static_cast<std::uint8_t>(what));
  return out;
}

/// Beyond it an application is taken to be stopped, or to hang.
constexpr std::chrono::seconds usual_patience{20};
/// The bytes of an answer.
pubsub::result<std::string> exchange(
    const std::filesystem::path& socket, const byte_writer& question,
    std::optional<std::chrono::seconds> patience = usual_patience) {
  const int fd = connect_to(socket);
  if (fd < 0) return gone(socket, "does not answer any more");
  wire::connection other{fd, patience};
  auto answer = other.write(question.view()) ? other.read() : std::nullopt;
  if (!answer && other.has_timed_out())
    return gone(socket,
                fmt::format("has not answered for {} s: is it stopped, or does it hang? What "
                            "was to be written may be or not",
                            patience->count()));
  if (!answer || answer->empty()) return gone(socket, "has ended before it had answered");
  byte_reader in{*answer};
  if (in.get_byte() == 0) return std::move(*answer);
  auto why = wire::get_error(in);  // another version says so in an error, and may say more in it
  return in.ok() ? std::move(why) : gone(socket, "is of another version");
}

/// `decode` gets the bytes behind the first, which says that all went well.
template <class Decode>
auto ask(const std::filesystem::path& socket, const byte_writer& question, Decode&& decode)
    -> pubsub::result<std::invoke_result_t<Decode, byte_reader&>> {
  auto answer = CLOUDFLOW_TRY(exchange(socket, question));
  byte_reader in{std::string_view{answer}.substr(1)};
  auto value = decode(in);
  if (!in.complete()) return gone(socket, "is of another version");
  return value;
}

/// Commits in the application's process, which holds the producer open.
class remote_producer final : public pubsub::producer_at_once {
public:
  remote_producer(std::filesystem::path socket, std::int64_t number)
    : socket_(std::move(socket)), number_(number) {}

  pubsub::result<void> commit(const pubsub::transaction& changes) override {
    if (!changes.state.empty()) return only_inside("state is not changed");
    auto question = request(verb::commit);
    question.put_long(number_);
    wire::put(question, changes);
    const auto done = exchange(socket_, question);
    return done ? pubsub::result<void>{} : done.error();
  }

private:
  std::filesystem::path socket_;
  std::int64_t number_;
};

}  // namespace

std::unique_ptr<socket_log> socket_log::connect(const std::filesystem::path& socket) {
  const int fd = connect_to(socket);
  if (fd < 0) return nullptr;
  const wire::connection closes_it{fd};
  return std::unique_ptr<socket_log>{new socket_log(socket)};
}

// -- topics and records ---------------------------------------------------------------------------

pubsub::result<std::vector<runtime::task_status>> socket_log::status() const {
  return ask(socket_, request(verb::status), [](byte_reader& in) {
    std::vector<runtime::task_status> all;
    for (auto left = in.get_long(); left > 0 && in.ok(); --left)
      all.push_back(wire::get_status(in));
    return all;
  });
}

pubsub::result<void> socket_log::backup(const std::filesystem::path& to) const {
  auto question = request(verb::backup);
  question.put_text(to.string());
  const auto done = exchange(socket_, question, std::nullopt);
  return done ? pubsub::result<void>{} : done.error();
}

pubsub::result<std::vector<pubsub::topic_info>> socket_log::topics() const {
  return ask(socket_, request(verb::topics), [](byte_reader& in) {
    std::vector<pubsub::topic_info> all;
    for (auto left = in.get_long(); left > 0 && in.ok(); --left) all.push_back(wire::get_topic(in));
    return all;
  });
}

pubsub::result<pubsub::topic_info> socket_log::topic(std::string_view name) const {
  auto question = request(verb::topic);
  question.put_text(name);
  return ask(socket_, question, wire::get_topic);
}

pubsub::result<pubsub::record_batch> socket_log::read(const pubsub::topic_partition& source,
                                                      record_offset from,
                                                      pubsub::fetch_limits limits) const {
  auto question = request(verb::read);
  wire::put(question, source);
  question.put_long(from.value());
  question.put_long(static_cast<std::int64_t>(limits.max_records));
  question.put_long(static_cast<std::int64_t>(limits.max_bytes));
  auto answer = CLOUDFLOW_TRY(exchange(socket_, question));
  const auto bytes = std::make_shared<const std::string>(std::move(answer));
  byte_reader in{std::string_view{*bytes}.substr(1)};
  auto batch = wire::get_batch(in, bytes);
  if (!in.complete()) return gone(socket_, "is of another version");
  return batch;
}

pubsub::result<std::optional<record_offset>> socket_log::position(
    std::string_view group, const pubsub::topic_partition& source) const {
  auto question = request(verb::position);
  question.put_text(group);
  wire::put(question, source);
  return ask(socket_, question, [](byte_reader& in) {
    const auto next = wire::get_optional(in);
    return next ? std::optional{record_offset{*next}} : std::nullopt;
  });
}

pubsub::result<bool> socket_log::has_members(std::string_view group) const {
  auto question = request(verb::has_members);
  question.put_text(group);
  return ask(socket_, question, [](byte_reader& in) { return in.get_byte() != 0; });
}

pubsub::result<record_offset> socket_log::offset_at(const pubsub::topic_partition& source,
                                                    timestamp at) const {
  auto question = request(verb::offset_at);
  wire::put(question, source);
  put_time(question, at);
  return ask(socket_, question, [](byte_reader& in) { return record_offset{in.get_long()}; });
}

pubsub::result<std::optional<std::string>> socket_log::remote_schemas::find(
    std::string_view fingerprint_prefix) const {
  auto question = request(verb::find_schema);
  question.put_text(fingerprint_prefix);
  return ask(*socket_, question, [](byte_reader& in) {
    const bool is_there = in.get_byte() != 0;
    std::string text{in.get_text()};
    return is_there ? std::optional{std::move(text)} : std::nullopt;
  });
}

pubsub::result<std::unique_ptr<pubsub::producer>> socket_log::open_producer(
    const pubsub::producer_options& options) {
  auto question = request(verb::open_producer);
  question.put_text(options.transactional_id);
  const auto number =
      CLOUDFLOW_TRY(ask(socket_, question, [](byte_reader& in) { return in.get_long(); }));
  return std::unique_ptr<pubsub::producer>{std::make_unique<remote_producer>(socket_, number)};
}

// -- what only the application does ---------------------------------------------------------------

pubsub::result<pubsub::topic_info> socket_log::ensure_topic(const pubsub::topic_spec&) {
  return only_inside("topics are not made");
}

void socket_log::ask_end(const pubsub::topic_partition& of,
                         const std::function<void(const pubsub::result<record_offset>&)>& then) {
  pubsub::tell_end(*this, of, then);
}

pubsub::result<void> socket_log::ensure_state(std::string_view, std::int32_t) {
  return only_inside("its state is not touched");
}

pubsub::result<bool> socket_log::restore(std::string_view, partition_id,
                                         const std::function<void()>&) {
  return only_inside("its state is not read");
}

pubsub::result<std::unique_ptr<pubsub::consumer>> socket_log::open_consumer(
    const pubsub::consumer_options&) {
  return only_inside("nobody joins a group");
}

pubsub::result<void> socket_log::remote_schemas::put(std::string_view, std::string_view) {
  return only_inside("schemas are not stored");
}

pubsub::result<std::optional<std::string>> socket_log::no_state::find(std::string_view,
                                                                      partition_id,
                                                                      std::string_view) const {
  return only_inside("its state is not read");
}

pubsub::result<void> socket_log::no_state::scan(
    std::string_view, partition_id, std::string_view,
    const std::function<bool(std::string_view, std::string_view)>&) const {
  return only_inside("its state is not read");
}

}  // namespace cloudflow::sandbox
