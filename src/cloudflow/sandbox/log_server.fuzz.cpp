/// The input is what clients send to the socket of an application: any bytes, to the server itself
/// and a log in memory behind it. A request is answered with one frame that holds what was asked
/// for or an error, what is none is not answered, and neither keeps the next client waiting. What
/// the commands' own end asks for is answered as by the log itself.
#include "cloudflow/sandbox/log_server.hpp"

#include "cloudflow/base/assert.hpp"
#include "cloudflow/pubsub/embedded/log.hpp"
#include "cloudflow/pubsub/embedded/simulated_disk.hpp"
#include "cloudflow/pubsub/embedded/test_directory.hpp"
#include "cloudflow/sandbox/socket.hpp"
#include "cloudflow/sandbox/socket_log.hpp"
#include "cloudflow/sandbox/wire.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace {

namespace pubsub = cloudflow::pubsub;
namespace sandbox = cloudflow::sandbox;
namespace wire = cloudflow::sandbox::wire;
using cloudflow::byte_reader;
using cloudflow::byte_writer;
using cloudflow::partition_id;
using cloudflow::record_buffer;
using cloudflow::record_offset;
using wire::put;
using wire::verb;

/// A log with two topics, and both ends of the socket of its application.
class application {
public:
  application() {
    for (const std::string name : {"t", "u"})
      CLOUDFLOW_ASSERT(log_->ensure_topic({.name = name, .partitions = 2}),
                       "the log takes no topics");
    CLOUDFLOW_ASSERT(log_->schemas().put(std::string(32, 'f'), "text"), "the log takes no schemas");
  }

  /// Sends these bytes, then nothing more; gives what comes back.
  std::string send(std::string_view bytes) const {
    const int fd = sandbox::connect_to(socket());
    CLOUDFLOW_ASSERT(fd >= 0, "nobody listens at the socket");
    while (!bytes.empty()) {
      const auto n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) break;  // refused before its end
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    ::shutdown(fd, SHUT_WR);
    auto answer = read_to_end(fd);
    ::close(fd);
    return answer;
  }
  pubsub::backend& inside() { return *log_; }
  sandbox::socket_log& outside() { return *outside_; }

private:
  static std::string read_to_end(int fd) {
    constexpr int patience_ms = 60'000;  // libFuzzer gives up before, with the input
    std::string all;
    std::array<char, 64 * 1024> some{};
    while (true) {
      pollfd ready{fd, POLLIN, 0};
      CLOUDFLOW_ASSERT(::poll(&ready, 1, patience_ms) == 1,
                       "the server neither answers nor closes");
      const auto n = ::recv(fd, some.data(), some.size(), 0);
      if (n <= 0) return all;
      all.append(some.data(), static_cast<std::size_t>(n));
    }
  }
  std::filesystem::path socket() const { return directory_.path() / "sock"; }
  static std::vector<cloudflow::runtime::task_status> status() {
    cloudflow::runtime::task_status one{
        .streamlet = "s", .partition = 1, .failure = "why", .sources = {}};
    one.watermark_delay = std::chrono::milliseconds{1};
    one.sources.push_back({"in", "t", 1, 3, 10});
    return {one, {}};
  }

  cloudflow::virtual_clock clock_;
  pubsub::embedded::simulated_disk disk_{1};
  pubsub::embedded::test_directory directory_;
  std::unique_ptr<pubsub::embedded::log> log_ =
      pubsub::embedded::open({.directory = "/log", .file_system = disk_.file_system()}, clock_)
          .value();
  std::unique_ptr<sandbox::log_server> server_ =
      sandbox::log_server::start(
          socket(), *log_,
          {.status = status,
           .backup = [](const auto& to) -> pubsub::result<void> {
             return pubsub::error{pubsub::errc::unsupported, "no backup to " + to.string()};
           }})
          .value();
  std::unique_ptr<sandbox::socket_log> outside_ = sandbox::socket_log::connect(socket());
};

// -- what any client sends ------------------------------------------------------------------------

void read_answer(verb to, byte_reader& in) {
  switch (to) {
    case verb::topics:
      for (auto left = in.get_long(); left > 0 && in.ok(); --left) wire::get_topic(in);
      return;
    case verb::topic: wire::get_topic(in); return;
    case verb::read: wire::get_batch(in, {}); return;
    case verb::position: wire::get_optional(in); return;
    case verb::has_members: in.get_byte(); return;
    case verb::offset_at:
    case verb::open_producer: in.get_long(); return;
    case verb::find_schema: in.get_byte(), in.get_text(); return;
    case verb::commit:
    case verb::backup: return;
    case verb::status:
      for (auto left = in.get_long(); left > 0 && in.ok(); --left) wire::get_status(in);
      return;
  }
  in.fail();  // nobody has asked for anything
}

void check_answer(std::string_view request, std::string_view answer) {
  byte_reader asked{request}, in{answer};
  CLOUDFLOW_ASSERT(in.get_big_endian<std::uint32_t>() == in.remaining() && in.ok(),
                   "an answer is not one frame");
  const auto status = in.get_byte();
  if (status == 0) {
    CLOUDFLOW_ASSERT(asked.get_long() == wire::version, "a request of another version is done");
    read_answer(static_cast<verb>(asked.get_byte()), in);
    CLOUDFLOW_ASSERT(asked.ok() && in.complete(), "an answer has another form than its request");
    return;
  }
  const auto why = wire::get_error(in);
  CLOUDFLOW_ASSERT(status == 1 && in.complete(), "an answer is neither a value nor an error");
  CLOUDFLOW_ASSERT(!why.message.empty(), "an error says nothing");
}

void check_bytes(const application& app, std::string_view sent) {
  constexpr std::size_t longest_cleared = 1024 * 1024, longest_frame = 64 * 1024 * 1024;
  byte_reader in{sent};
  const auto size = in.get_big_endian<std::uint32_t>();
  // The server clears the memory for what is announced, which takes longer than all the rest.
  if (size > longest_cleared && size < longest_frame) return;
  const bool is_request = in.ok() && size <= in.remaining() && size <= longest_frame;
  const auto answer = app.send(sent);
  CLOUDFLOW_ASSERT(answer.empty() == !is_request, "a request is not answered, or what is none is");
  if (is_request) check_answer(in.get_raw(size), answer);
}

std::string framed(std::string_view request) {
  byte_writer frame;
  frame.put_big_endian(static_cast<std::uint32_t>(request.size()));
  frame.put_raw(request);
  return std::string{frame.view()};
}

byte_writer request(verb what) {
  byte_writer out;
  out.put_long(wire::version);
  out.put_byte(static_cast<std::uint8_t>(what));
  return out;
}

/// Any bytes as the transaction of a producer that is open.
void check_commit(const application& app, std::string_view transaction) {
  auto open = request(verb::open_producer), commit = request(verb::commit);
  open.put_text("a");
  const auto opened = app.send(framed(open.view()));
  byte_reader number{opened};
  number.get_raw(sizeof(std::uint32_t) + 1);
  commit.put_long(number.get_long());
  commit.put_raw(transaction);
  check_bytes(app, framed(commit.view()));
}

void put(byte_writer& out, const wire::owned_transaction& t) { wire::put(out, t.changes); }

/// Bytes that are a value stay the same when they are written and read again.
template <class Get>
void check_value(std::string_view bytes, Get get) {
  byte_reader in{bytes};
  byte_writer once, twice;
  put(once, get(in));
  if (!in.complete()) return;
  byte_reader again{once.view()};
  put(twice, get(again));
  CLOUDFLOW_ASSERT(again.complete() && once.view() == twice.view(),
                   "a value that was read is written as another");
}

void check_values(std::string_view bytes) {
  check_value(bytes, wire::get_error);
  check_value(bytes, wire::get_topic);
  check_value(bytes, wire::get_topic_partition);
  check_value(bytes, wire::get_status);
  check_value(bytes, wire::get_optional);
  check_value(bytes, [](byte_reader& in) { return wire::get_batch(in, {}); });
  check_value(bytes, wire::get_transaction);
}

// -- what the commands' own end sends -------------------------------------------------------------

void put(byte_writer& out, bool is) { out.put_byte(is ? 1 : 0); }
void put(byte_writer& out, record_offset offset) { out.put_long(offset.value()); }
void put(byte_writer& out, const std::string& text) { out.put_text(text); }
void put(byte_writer& out, const cloudflow::record_view& r) {
  for (const auto part : {r.key, r.value}) {
    put(out, part.data() != nullptr);
    out.put_text(part);
  }
  out.put_long(static_cast<std::int64_t>(r.headers.size()));
  for (const auto& h : r.headers) {
    out.put_text(h.name);
    out.put_text(h.value);
  }
}
template <class T>
void put(byte_writer& out, const std::optional<T>& value) {
  put(out, value.has_value());
  if (value) put(out, *value);
}
void put(byte_writer& out, const std::vector<pubsub::topic_info>& all) {
  for (const auto& t : all) wire::put(out, t);
}

template <class T>
std::string text_of(const pubsub::result<T>& given) {
  byte_writer out;
  if (!given)
    put(out, given.error());
  else if constexpr (!std::is_void_v<T>)
    put(out, *given);
  return std::string{out.view()};
}

template <class Call>
void check_same(application& app, Call call) {
  pubsub::backend &inside = app.inside(), &outside = app.outside();
  CLOUDFLOW_ASSERT(text_of(call(outside)) == text_of(call(inside)),
                   "the socket says something else than the log");
}

/// One that there may be: others are refused by whoever reads them.
partition_id get_partition(byte_reader& in) {
  return partition_id{static_cast<std::int32_t>(in.get_long() & 0x7fffffff)};
}

void ask_for_the_same(application& app, byte_reader& in) {
  constexpr std::uint8_t calls = 8;
  const auto what = in.get_byte() % calls;
  const auto name = in.get_text();
  std::string topic{in.get_text()};
  const pubsub::topic_partition source{std::move(topic), get_partition(in)};
  const record_offset from{in.get_long()};
  const cloudflow::timestamp at = cloudflow::get_time(in);
  const auto records = static_cast<std::size_t>(in.get_long());
  const pubsub::fetch_limits limits{records, static_cast<std::size_t>(in.get_long())};
  switch (what) {
    case 0: return check_same(app, [&](auto& log) { return log.topics(); });
    case 1: return check_same(app, [&](auto& log) { return log.topic(name); });
    case 2: return check_same(app, [&](auto& log) { return log.read(source, from, limits); });
    case 3: return check_same(app, [&](auto& log) { return log.position(name, source); });
    case 4: return check_same(app, [&](auto& log) { return log.has_members(name); });
    case 5: return check_same(app, [&](auto& log) { return log.offset_at(source, at); });
    case 6: return check_same(app, [&](auto& log) { return log.schemas().find(name); });
    default:
      CLOUDFLOW_ASSERT(app.outside().status()->size() == 2, "tasks are missing");
      CLOUDFLOW_ASSERT(app.outside().backup(std::string{name}).error().message ==
                           "no backup to " + std::string{name},
                       "a backup would go somewhere else");
  }
}

/// Some bytes, or none at all: the input says 0 for these, and one more than there are otherwise.
std::string_view get_nullable(byte_reader& in) {
  const auto size = in.get_byte();
  return size == 0 ? std::string_view{} : in.get_raw(size - 1u);
}

/// A transaction of the client's, which borrows from the input.
wire::owned_transaction get_changes(byte_reader& in) {
  wire::owned_transaction t;
  for (auto outputs = in.get_byte() % 3; outputs != 0; --outputs) {
    auto& records = *t.records.emplace_back(std::make_unique<record_buffer>());
    const auto topic = in.get_text();
    const auto partition = get_partition(in);
    for (auto left = in.get_byte() % 4; left != 0; --left) {
      const auto key = get_nullable(in);
      records.append(key, get_nullable(in));
      for (auto headers = in.get_byte() % 3; headers != 0; --headers) {
        const auto header = in.get_text();
        records.add_header(header, in.get_text());
      }
    }
    t.changes.outputs.push_back({topic, partition, &records});
  }
  for (auto positions = in.get_byte() % 3; positions != 0; --positions) {
    const auto group = in.get_text(), topic = in.get_text();
    const auto partition = get_partition(in);
    t.changes.positions.push_back({group, topic, partition, record_offset{in.get_long()}});
  }
  return t;
}

/// What a commit of theirs has left: its answer, records without their offsets, positions.
std::string left_by(pubsub::backend& committing, pubsub::backend& log,
                    const pubsub::transaction& changes) {
  const auto before = log.topics().value();
  const auto producer = committing.open_producer({.transactional_id = "b"}).value();
  byte_writer all;
  all.put_text(text_of(producer->commit(changes)));
  for (const auto& t : before)
    for (std::size_t p = 0; p != t.partitions.size(); ++p) {
      const partition_id partition{static_cast<std::int32_t>(p)};
      const auto batch = log.read({t.spec.name, partition}, t.partitions[p].end, {}).value();
      for (const auto& r : batch.records()) put(all, r);
    }
  for (const auto& p : changes.positions)
    all.put_text(text_of(log.position(p.group, {std::string{p.topic}, p.partition})));
  return std::string{all.view()};
}

void commit_the_same(application& app, byte_reader& in) {
  const auto t = get_changes(in);
  byte_writer sent, received;
  put(sent, t);
  byte_reader read{sent.view()};
  put(received, wire::get_transaction(read));
  CLOUDFLOW_ASSERT(read.complete() && sent.view() == received.view(),
                   "another transaction arrives than was sent");
  auto& inside = app.inside();
  CLOUDFLOW_ASSERT(left_by(app.outside(), inside, t.changes) == left_by(inside, inside, t.changes),
                   "a commit through the socket does something else than one in the log");
}

void follow(application& app, byte_reader& in) {
  constexpr std::uint8_t kinds = 6;
  switch (in.get_byte() % kinds) {
    case 0: return check_bytes(app, in.get_text());
    case 1: return check_bytes(app, framed(in.get_text()));
    case 2: return check_commit(app, in.get_text());
    case 3: return check_values(in.get_text());
    case 4: return ask_for_the_same(app, in);
    default: return commit_the_same(app, in);
  }
}

}  // namespace

/// An option that libFuzzer does without here: each commit makes the log grow, which looks like a
/// leak and costs more than all the rest; the test over the corpus finds them.
// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer calls it so
extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  static std::array<std::string, 1> without{"-detect_leaks=0"};
  static std::vector<char*> all(*argv, *argv + *argc);
  for (auto& option : without) all.push_back(option.data());
  *argc = static_cast<int>(all.size());
  all.push_back(nullptr);
  *argv = all.data();
  return 0;
}

/// What earlier inputs have written stays for a while: a new log takes a thousand times as long as
/// a request.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr int inputs_of_a_log = 1'000, most_steps = 16;
  // Made at once, so that it goes before what RocksDB has made for it.
  static auto app = std::make_unique<application>();
  static int left_of_log = inputs_of_a_log;
  if (left_of_log-- == 0) {
    app.reset();
    app = std::make_unique<application>();
    left_of_log = inputs_of_a_log;
  }
  byte_reader in{{reinterpret_cast<const char*>(data), size}};
  for (int left = most_steps; left != 0 && in.remaining() != 0; --left) follow(*app, in);
  return 0;
}
