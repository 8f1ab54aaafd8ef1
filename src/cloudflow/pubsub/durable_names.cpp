#include "cloudflow/pubsub/durable_names.hpp"

#include <initializer_list>

namespace cloudflow::pubsub {
namespace {

/// The parts with a dot between each two.
std::string dotted(std::initializer_list<std::string_view> parts) {
  std::string name;
  for (const auto part : parts) name.append(part).append(".");
  name.pop_back();
  return name;
}

}  // namespace

// -- groups and topics ----------------------------------------------------------------------------

std::string durable_names::group(std::string_view streamlet, std::string_view inlet) const {
  return dotted({application_, streamlet, inlet});
}

std::string_view durable_names::streamlet_of_group(std::string_view group) const noexcept {
  if (!group.starts_with(application_)) return {};
  const auto rest = group.substr(application_.size());
  if (!rest.starts_with('.')) return {};
  const auto end = rest.find('.', 1);
  return end == rest.npos ? std::string_view{} : rest.substr(1, end - 1);
}

std::string durable_names::dead_letter_topic(std::string_view streamlet,
                                             std::string_view inlet) const {
  return dotted({application_, streamlet, inlet, "dead-letter"});
}

std::string durable_names::window_dead_letter_topic(std::string_view streamlet,
                                                    std::string_view state) const {
  return dotted({application_, streamlet, state, "dead-letter"});
}

std::string durable_names::source_dead_letter_topic(std::string_view streamlet) const {
  return dotted({application_, streamlet, "dead-letter"});
}

std::string durable_names::retry_topic(std::string_view streamlet, std::string_view inlet) const {
  return dotted({application_, streamlet, inlet, "retry"});
}

std::string durable_names::repartition_topic(std::string_view streamlet,
                                             std::string_view state) const {
  return dotted({application_, streamlet, state, "repartition"});
}

std::string durable_names::changelog_topic(std::string_view streamlet) const {
  return dotted({application_, streamlet, "changelog"});
}

// -- transactional ids ----------------------------------------------------------------------------

std::string durable_names::worker_id(std::string_view instance, std::size_t number) const {
  const auto last = std::to_string(number);
  return instance.empty() ? dotted({application_, last, "worker"})
                          : dotted({application_, instance, last, "worker"});
}

std::string durable_names::stores_id(std::string_view streamlet, std::string_view instance) const {
  return instance.empty() ? dotted({application_, streamlet, "stores"})
                          : dotted({application_, streamlet, instance, "stores"});
}

std::string durable_names::dead_letters_id(std::string_view streamlet,
                                           std::string_view inlet) const {
  return retry_topic(streamlet, inlet);
}

std::string durable_names::replay_id(std::string_view streamlet) const {
  return dotted({application_, streamlet, "replay"});
}

std::string durable_names::offsets_id(std::string_view streamlet, std::string_view inlet) const {
  return dotted({application_, streamlet, inlet, "offsets"});
}

std::string durable_names::send_id(std::string_view topic) const {
  return dotted({application_, topic, "send"});
}

// -- stores ---------------------------------------------------------------------------------------

std::string state_store(std::string_view streamlet, std::string_view state) {
  return dotted({streamlet, state});
}

std::string parked_store(std::string_view streamlet, std::string_view state) {
  return dotted({streamlet, state, "parked"});
}

std::string event_time_store(std::string_view streamlet) {
  return dotted({streamlet, "", "event-time"});
}

std::string positions_store(std::string_view streamlet) {
  return dotted({streamlet, "", "positions"});
}

}  // namespace cloudflow::pubsub
