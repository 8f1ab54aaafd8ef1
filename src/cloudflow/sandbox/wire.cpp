#include "cloudflow/sandbox/wire.hpp"

#include <sys/socket.h>
#include <unistd.h>

namespace cloudflow::sandbox::wire {

namespace {

constexpr std::size_t longest_line = 64 * 1024 * 1024;

std::string to_hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  for (const char c : bytes) {
    const auto b = static_cast<unsigned char>(c);
    hex += digits[b >> 4];
    hex += digits[b & 15];
  }
  return hex;
}

template <class T>
nlohmann::json or_null(const std::optional<T>& v) {
  return v ? nlohmann::json(*v) : nlohmann::json(nullptr);
}
template <class T>
std::optional<T> optional_from(const nlohmann::json& j) {
  if (j.is_null()) return {};
  return j.get<T>();
}

}  // namespace

// -- requests ----------------------------------------------------------------------------------------

nlohmann::json to_json(const peek_request& r) {
  return {{"command", "peek"}, {"topic", r.topic},     {"partition", or_null(r.partition)},
          {"from", r.from},    {"at_most", r.at_most}, {"readable_times", r.has_readable_times}};
}
peek_request peek_from(const nlohmann::json& j) {
  return {j.at("topic"), optional_from<std::int32_t>(j.at("partition")), j.at("from"),
          j.at("at_most"), j.at("readable_times")};
}

nlohmann::json to_json(const send_request& r) {
  return {
      {"command", "send"}, {"topic", r.topic}, {"key", or_null(r.key)}, {"values", r.values_json}};
}
send_request send_from(const nlohmann::json& j) {
  return {j.at("topic"), optional_from<std::string>(j.at("key")), j.at("values")};
}

// -- answers -----------------------------------------------------------------------------------------

nlohmann::json to_json(const shown_record& r) {
  return {{"partition", r.partition},
          {"offset", r.offset},
          {"time", r.time.time_since_epoch().count()},
          {"key", or_null(r.key)},
          {"value", r.value_json},
          {"headers", r.headers}};
}
shown_record record_from(const nlohmann::json& j) {
  return {j.at("partition"),
          j.at("offset"),
          timestamp{std::chrono::milliseconds{j.at("time").get<std::int64_t>()}},
          optional_from<std::string>(j.at("key")),
          j.at("value"),
          j.at("headers")};
}

nlohmann::json to_json(const pubsub::topic_info& t) {
  auto ranges = nlohmann::json::array();
  for (const auto& p : t.partitions) ranges.push_back({p.first.value(), p.end.value()});
  return {{"name", t.spec.name},
          {"properties", t.spec.properties},
          {"schema", to_hex(t.spec.base_schema)},
          {"ranges", std::move(ranges)}};
}
pubsub::topic_info topic_from(const nlohmann::json& j) {
  pubsub::topic_info t;
  t.spec.name = j.at("name");
  t.spec.properties = j.at("properties").get<std::map<std::string, std::string>>();
  t.spec.base_schema = j.at("schema");
  for (const auto& r : j.at("ranges"))
    t.partitions.push_back(
        {record_offset{r.at(0).get<std::int64_t>()}, record_offset{r.at(1).get<std::int64_t>()}});
  t.spec.partitions = static_cast<std::int32_t>(t.partitions.size());
  return t;
}

// -- lines -------------------------------------------------------------------------------------------

line_stream::~line_stream() { ::close(fd_); }

bool line_stream::write(const nlohmann::json& line) {
  const auto text = line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  for (std::size_t sent = 0; sent != text.size();) {
    const auto n = ::send(fd_, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) return false;
    sent += static_cast<std::size_t>(n);
  }
  return true;
}

std::optional<nlohmann::json> line_stream::read() {
  std::size_t searched = 0;
  for (;;) {
    const auto end = buffer_.find('\n', searched);
    if (end != std::string::npos) {
      auto line = nlohmann::json::parse(
          buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
      buffer_.erase(0, end + 1);
      if (line.is_discarded()) return {};
      return line;
    }
    searched = buffer_.size();
    char chunk[64 * 1024];
    const auto n = ::recv(fd_, chunk, sizeof chunk, 0);
    if (n <= 0 || buffer_.size() > longest_line) return {};
    buffer_.append(chunk, static_cast<std::size_t>(n));
  }
}

}  // namespace cloudflow::sandbox::wire
