#include "cloudflow/sandbox/wire.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

namespace cloudflow::sandbox::wire {

namespace {

constexpr std::size_t longest_frame = 64 * 1024 * 1024;
constexpr std::size_t size_bytes = 4, most_at_once = 1024 * 1024;
/// A transaction holds a buffer for each of its outputs.
constexpr std::size_t most_outputs = 100'000;
/// Where bytes may be absent altogether: a key, a value.
constexpr std::int64_t absent = -1;

void put_nullable(byte_writer& out, std::string_view bytes) {
  if (bytes.data() == nullptr)
    out.put_long(absent);
  else
    out.put_text(bytes);
}
std::string_view get_nullable(byte_reader& in) {
  const auto size = in.get_long();
  if (size == absent) return {};
  if (size < 0) in.fail();
  const auto bytes = in.get_raw(static_cast<std::size_t>(size));
  // Empty, but there.
  return bytes.data() == nullptr ? std::string_view{""} : bytes;
}

void put_size(byte_writer& out, std::size_t n) { out.put_long(static_cast<std::int64_t>(n)); }

/// Calls `f` as often as a number in front says, of which each takes a byte at least.
template <class F>
void get_each(byte_reader& in, F&& f) {
  const auto count = in.get_long();
  if (std::cmp_less(count, 0) || std::cmp_greater(count, in.remaining())) in.fail();
  for (auto left = count; left > 0 && in.ok(); --left) f();
}

void put(byte_writer& out, const record_view& r) {
  out.put_long(r.offset.value());
  put_time(out, r.time);
  put_nullable(out, r.key);
  put_nullable(out, r.value);
  put_size(out, r.headers.size());
  for (const auto& h : r.headers) {
    out.put_text(h.name);
    out.put_text(h.value);
  }
}

record_offset get_offset(byte_reader& in) { return record_offset{in.get_long()}; }
partition_id get_partition(byte_reader& in) {
  const auto number = in.get_long();
  if (!std::in_range<std::int32_t>(number) || number < 0) in.fail();
  return partition_id{static_cast<std::int32_t>(number)};
}
std::uint64_t get_count(byte_reader& in) { return static_cast<std::uint64_t>(in.get_long()); }

}  // namespace

// -- frames ---------------------------------------------------------------------------------------

connection::~connection() { ::close(fd_); }

bool connection::write(std::string_view frame) {
  byte_writer out;
  out.put_big_endian(static_cast<std::uint32_t>(frame.size()));
  out.put_raw(frame);
  const auto until = deadline();
  for (auto left = out.view(); !left.empty();) {
    if (!wait_for(POLLOUT, until)) return false;
    const auto n = ::send(fd_, left.data(), left.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n <= 0) return false;
    left.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

std::optional<std::string> connection::read() {
  std::string frame(size_bytes, '\0');
  const auto until = deadline();
  if (!read_exactly(frame.data(), size_bytes, until)) return {};
  const auto size = byte_reader{frame}.get_big_endian<std::uint32_t>();
  if (size > longest_frame) return {};
  frame.clear();
  while (frame.size() != size) {  // room for what has been announced is made when it comes
    const auto had = frame.size();
    frame.resize(std::min<std::size_t>(size, had + most_at_once));
    if (!read_exactly(frame.data() + had, frame.size() - had, until)) return {};
  }
  return frame;
}

namespace {

/// For poll(): -1 is without end.
int milliseconds_until(std::chrono::steady_clock::time_point then) {
  if (then == std::chrono::steady_clock::time_point::max()) return -1;
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(then - std::chrono::steady_clock::now());
  return static_cast<int>(std::max<std::int64_t>(left.count(), 0));
}

}  // namespace

connection::time_point connection::deadline() const {
  return patience_ ? std::chrono::steady_clock::now() + *patience_ : time_point::max();
}

bool connection::wait_for(short what, time_point until) {
  for (;;) {
    pollfd ready{fd_, what, 0};
    const auto wait = milliseconds_until(until);
    const int found = wait != 0 ? ::poll(&ready, 1, wait) : 0;
    if (found < 0 && errno == EINTR) continue;  // a signal is nothing that the other end has done
    has_timed_out_ = found == 0;
    return found > 0;
  }
}

bool connection::read_exactly(char* to, std::size_t size, time_point until) {
  while (size != 0) {
    if (!wait_for(POLLIN, until)) return false;
    const auto n = ::recv(fd_, to, size, MSG_DONTWAIT);
    if (n <= 0) return false;
    to += n;
    size -= static_cast<std::size_t>(n);
  }
  return true;
}

// -- errors and numbers ---------------------------------------------------------------------------

void put(byte_writer& out, const pubsub::error& e) {
  out.put_long(static_cast<std::int64_t>(e.code));
  out.put_text(e.message);
}
pubsub::error get_error(byte_reader& in) {
  const auto code = in.get_long();
  std::string message{in.get_text()};
  if (code < 0 || code > static_cast<std::int64_t>(pubsub::last_errc)) in.fail();
  if (!in.ok()) return {};
  return {static_cast<pubsub::errc>(code), std::move(message)};
}

void put(byte_writer& out, std::optional<std::int64_t> n) {
  out.put_byte(n ? 1 : 0);
  out.put_long(n.value_or(0));
}
std::optional<std::int64_t> get_optional(byte_reader& in) {
  const bool is_there = in.get_byte() != 0;
  const auto n = in.get_long();
  return is_there ? std::optional{n} : std::nullopt;
}

// -- topics and records ---------------------------------------------------------------------------

void put(byte_writer& out, const pubsub::topic_partition& p) {
  out.put_text(p.topic);
  out.put_long(p.partition.value());
}
pubsub::topic_partition get_topic_partition(byte_reader& in) {
  std::string topic{in.get_text()};
  return {std::move(topic), get_partition(in)};
}

void put(byte_writer& out, const pubsub::topic_info& t) {
  out.put_text(t.spec.name);
  out.put_text(t.spec.base_schema);
  out.put_long(t.spec.replication);
  put_size(out, t.spec.properties.size());
  for (const auto& [name, value] : t.spec.properties) {
    out.put_text(name);
    out.put_text(value);
  }
  put_size(out, t.partitions.size());
  for (const auto& range : t.partitions) {
    out.put_long(range.first.value());
    out.put_long(range.end.value());
  }
}
pubsub::topic_info get_topic(byte_reader& in) {
  pubsub::topic_info t;
  t.spec.name = in.get_text();
  t.spec.base_schema = in.get_text();
  t.spec.replication = static_cast<std::int16_t>(in.get_long());
  get_each(in, [&] {
    std::string name{in.get_text()};
    t.spec.properties[std::move(name)] = in.get_text();
  });
  get_each(in, [&] {
    const auto first = get_offset(in);
    t.partitions.push_back({first, get_offset(in)});
  });
  t.spec.partitions = static_cast<std::int32_t>(t.partitions.size());
  return t;
}

void put(byte_writer& out, const pubsub::record_batch& b) {
  const auto next = b.next();
  put(out, next ? std::optional{next->value()} : std::nullopt);
  put_size(out, b.records().size());
  for (const auto& r : b.records()) put(out, r);
}
pubsub::record_batch get_batch(byte_reader& in, std::shared_ptr<const std::string> bytes) {
  struct contents {
    std::shared_ptr<const std::string> bytes;
    std::vector<std::vector<header_view>> headers;
  };
  const auto owner = std::make_shared<contents>();
  owner->bytes = std::move(bytes);
  const auto next = get_optional(in);
  std::vector<record_view> records;
  get_each(in, [&] {
    record_view r;
    r.offset = get_offset(in);
    r.time = get_time(in);
    r.key = get_nullable(in);
    r.value = get_nullable(in);
    std::vector<header_view> headers;
    get_each(in, [&] {
      const auto name = in.get_text();
      headers.push_back({name, in.get_text()});
    });
    owner->headers.push_back(std::move(headers));
    r.headers = owner->headers.back();  // stays where it is when the outer vector grows
    records.push_back(r);
  });
  if (!next) return {};
  return {owner, std::move(records), record_offset{*next}};
}

// -- transactions ---------------------------------------------------------------------------------

void put(byte_writer& out, const pubsub::transaction& t) {
  CLOUDFLOW_ASSERT(t.state.empty(), "state does not go through the socket");
  put_size(out, t.outputs.size());
  for (const auto& output : t.outputs) {
    out.put_text(output.topic);
    out.put_long(output.partition.value());
    put_size(out, output.records->size());
    for (const auto& e : output.records->entries()) {
      put_nullable(out, output.records->key(e));
      put_nullable(out, output.records->value(e));
      out.put_text(output.records->headers(e));
    }
  }
  put_size(out, t.positions.size());
  for (const auto& p : t.positions) {
    out.put_text(p.group);
    out.put_text(p.topic);
    out.put_long(p.partition.value());
    out.put_long(p.next.value());
  }
}
owned_transaction get_transaction(byte_reader& in) {
  owned_transaction t;
  get_each(in, [&] {
    const auto topic = in.get_text();
    const auto partition = get_partition(in);
    if (t.records.size() == most_outputs) return in.fail();
    auto& records = *t.records.emplace_back(std::make_unique<record_buffer>());
    get_each(in, [&] {
      const auto key = get_nullable(in);
      records.append(key, get_nullable(in));
      byte_reader headers{in.get_text()};
      while (headers.ok() && headers.remaining() != 0) {
        const auto name = headers.get_text(), value = headers.get_text();
        if (headers.ok()) records.add_header(name, value);
      }
      if (!headers.ok()) in.fail();
    });
    t.changes.outputs.push_back({topic, partition, &records});
  });
  get_each(in, [&] {
    const auto group = in.get_text(), topic = in.get_text();
    const auto partition = get_partition(in);
    t.changes.positions.push_back({group, topic, partition, get_offset(in)});
  });
  return t;
}

// -- status ---------------------------------------------------------------------------------------

void put(byte_writer& out, const runtime::task_status& t) {
  out.put_text(t.streamlet);
  out.put_long(t.partition);
  out.put_byte(t.is_running ? 1 : 0);
  out.put_byte(t.is_restoring ? 1 : 0);
  out.put_text(t.failure);
  put(out, t.watermark_delay ? std::optional{t.watermark_delay->count()} : std::nullopt);
  for (const auto n : {t.records_in, t.records_out, t.bytes_out, t.records_late, t.records_rejected,
                       t.commits, t.restarts})
    out.put_long(static_cast<std::int64_t>(n));
  for (const auto n : t.counted.counts) out.put_long(static_cast<std::int64_t>(n));
  put_size(out, t.sources.size());
  for (const auto& s : t.sources) {
    out.put_text(s.inlet);
    out.put_text(s.topic);
    out.put_long(s.partition);
    out.put_long(s.position);
    out.put_long(s.end);
  }
}
runtime::task_status get_status(byte_reader& in) {
  runtime::task_status t;
  t.streamlet = in.get_text();
  t.partition = get_partition(in).value();
  t.is_running = in.get_byte() != 0;
  t.is_restoring = in.get_byte() != 0;
  t.failure = in.get_text();
  if (const auto delay = get_optional(in)) t.watermark_delay = std::chrono::milliseconds{*delay};
  for (auto* n : {&t.records_in, &t.records_out, &t.bytes_out, &t.records_late, &t.records_rejected,
                  &t.commits, &t.restarts})
    *n = get_count(in);
  for (auto& n : t.counted.counts) n = get_count(in);
  get_each(in, [&] {
    auto& s = t.sources.emplace_back();
    s.inlet = in.get_text();
    s.topic = in.get_text();
    s.partition = get_partition(in).value();
    s.position = in.get_long();
    s.end = in.get_long();
  });
  return t;
}

}  // namespace cloudflow::sandbox::wire
