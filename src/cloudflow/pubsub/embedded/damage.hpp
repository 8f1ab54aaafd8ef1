/// A log that is damaged on purpose, for the table of damages and the soak.
#pragma once

#include "cloudflow/base/time.hpp"
#include "cloudflow/pubsub/embedded/faulty_files.hpp"
#include "cloudflow/pubsub/embedded/log.hpp"
#include "cloudflow/pubsub/embedded/simulated_disk.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflow::pubsub::embedded {

using file_map = std::map<std::string, std::string>;  ///< path -> bytes

/// The files of a log on a simulated disk, how they were some commits before, and what is in them.
class damaged_log {
public:
  /// Killed in the middle of its life, or closed at the end of it.
  enum class ended { killed, closed };
  explicit damaged_log(ended how);

  const file_map& files() const noexcept { return files_; }
  /// As they were some commits before: `older().at(path)` of a file that existed then.
  const file_map& older() const noexcept { return older_; }
  /// The path of the one file of this kind: WAL, SST, MANIFEST, CURRENT, OPTIONS, IDENTITY, LOCK or
  /// COMMITS. Of several the newest.
  std::string path_of(std::string_view kind) const;

  struct outcome {
    enum class kind {
      right,    ///< opened, and everything is there
      refused,  ///< the second time with the same words, and not a byte changed
      wrong     ///< anything else
    } what = kind::wrong;
    std::string message;  ///< of the refusal, or what is wrong
  };
  /// Opens `files` and looks. `rule` has operations fail.
  outcome open(const file_map& files, const fault_rule& rule = {}) const;

private:
  std::string difference_in(const backend& log) const;

  virtual_clock clock_;
  file_map files_, older_;
};

}  // namespace cloudflow::pubsub::embedded
