/// Which records may have ended the process, over the lives of one run: so that a record that does
/// it again and again is found and dead-lettered.
///
/// A crash leaves the batch that its thread worked on (crash_note.hpp). After the second crash in
/// the same records they run one by one, so that the next note names a single record; one that has
/// ended the process three times is not run any more.
#pragma once

#include "cloudflow/runtime/crash_note.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflow::runtime {

/// Records of one partition, the process having ended in one of them.
struct crash_suspect {
  std::string streamlet, topic;
  std::int32_t partition = 0;
  std::int64_t first = 0, last = 0;  ///< offsets
  int crashes = 1;
  std::string how = {};  ///< of the last one: signal and stack

  bool is_of(std::string_view of_topic, std::int32_t of_partition) const noexcept {
    return topic == of_topic && partition == of_partition;
  }
  bool contains(std::int64_t offset) const noexcept { return first <= offset && offset <= last; }
  /// Its records run one by one.
  bool is_run_alone() const noexcept { return crashes >= 2; }
  /// It is one record, and is not run any more.
  bool is_found() const noexcept { return crashes >= 3 && first == last; }
  /// Why it is a dead letter.
  std::string reason() const;

  bool operator==(const crash_suspect&) const = default;
};

/// A value.
class crash_history {
public:
  /// A process has ended so. A crash in none of the author's records changes nothing.
  void add(const crash& c);
  const std::vector<crash_suspect>& suspects() const noexcept { return suspects_; }
  /// Those of one streamlet.
  std::vector<crash_suspect> of(std::string_view streamlet) const;

  /// A line for each suspect; what is no such line is left out when it is read.
  std::string to_text() const;
  static crash_history from_text(std::string_view text);

private:
  std::vector<crash_suspect> suspects_;
};

}  // namespace cloudflow::runtime
