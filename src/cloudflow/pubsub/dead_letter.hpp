/// The headers of a dead letter: what those who write one and those who look at it or try it again
/// agree on.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace cloudflow::pubsub::dead_letter {

// -- why it is here, and where the record was that could not be processed -------------------------

inline constexpr std::string_view reason = "cloudflow-reason";
inline constexpr std::string_view topic = "cloudflow-topic";
inline constexpr std::string_view partition = "cloudflow-partition";
inline constexpr std::string_view offset = "cloudflow-offset";
inline constexpr std::string_view time = "cloudflow-time";  ///< ISO 8601
/// Of a window instead of topic and offset, ISO 8601.
inline constexpr std::string_view window_start = "cloudflow-window-start",
                                  window_end = "cloudflow-window-end";

/// Whether a header says why a dead letter is here: it is no header of the record itself.
constexpr bool is_own(std::string_view header) noexcept {
  constexpr std::array own{reason, topic, partition, offset, time, window_start, window_end};
  return std::find(own.begin(), own.end(), header) != own.end();
}

// -- of a record that is tried again; a dead letter that it becomes keeps them --------------------

/// How often it has failed before.
inline constexpr std::string_view failures = "cloudflow-failures";
/// Where it was at first: `topic/partition/offset`.
inline constexpr std::string_view origin = "cloudflow-origin";

// -- of a mark: a record of the same topic without key and value, about dead letters before it ----

/// What has become of them: one of the two words below.
inline constexpr std::string_view handled = "cloudflow-handled";
inline constexpr std::string_view retried = "retried", dropped = "dropped";
/// Their offsets in the partition of the mark: `3-7,9`.
inline constexpr std::string_view offsets = "cloudflow-offsets";

}  // namespace cloudflow::pubsub::dead_letter
