#include "cloudflow/kube/internal/watch_stream.hpp"

#include "cloudflow/kube/internal/status.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace cloudflow::kube::internal {

namespace {

/// etcd takes objects of 1.5 MiB; with managed fields and JSON's escapes they are a little larger.
constexpr std::size_t longest_line = 16 << 20;

struct type_name {
  std::string_view name;
  event_type type;
};
constexpr auto types = std::to_array<type_name>({{"ADDED", event_type::added},
                                                 {"MODIFIED", event_type::modified},
                                                 {"DELETED", event_type::deleted},
                                                 {"BOOKMARK", event_type::bookmark}});

}  // namespace

bool watch_stream::fail(errc code, std::string_view why) {
  failure_ = error{code, fmt::format("{}: {}", what_, why)};
  return false;
}

bool watch_stream::take(std::string_view piece) {
  for (auto end = piece.find('\n'); end != piece.npos; end = piece.find('\n')) {
    begun_ += piece.substr(0, end);
    piece.remove_prefix(end + 1);
    const auto line = std::exchange(begun_, {});
    if (!line.empty() && !take_line(line)) return false;
  }
  begun_ += piece;
  if (begun_.size() <= longest_line) return true;
  return fail(errc::too_large, fmt::format("an event is larger than {} bytes", longest_line));
}

bool watch_stream::take_line(std::string_view line) {
  auto event = nlohmann::json::parse(line, nullptr, false);
  if (!event.is_object() || !event.contains("object"))
    return fail(errc::malformed_response, "what came is no event");
  object about{std::move(event["object"])};
  const object rest{std::move(event)};
  const auto name = rest.text("/type");
  if (name == "ERROR") {
    failure_ = error_of(about, 0, what_);
    return false;
  }
  const auto* found = std::ranges::find(types, name, &type_name::name);
  if (found == types.end())
    return fail(errc::malformed_response, fmt::format("there is no event '{}'", name));
  return receive_({found->type, std::move(about)}) == after_event::go_on;
}

}  // namespace cloudflow::kube::internal
