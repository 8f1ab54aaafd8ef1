#pragma once

#include "cloudflow/connect/files/log_records.hpp"
#include "cloudflow/flow/expand.hpp"
#include "cloudflow/schema/derived_codec.hpp"
#include "log_schemas/invalid_log.hpp"
#include "log_schemas/log_key.hpp"
#include "log_schemas/log_message.hpp"

#include <memory>
#include <string>
#include <variant>

namespace logproc {

/// How far a log file has been processed; kept under its key, also after its end: the same object
/// announced again has nothing new.
struct file_progress {
  std::string etag{};
  std::int64_t byte = 0;
  std::int64_t line = 1;
  bool is_done = false;
};

/// The object could not be read.
struct read_error {
  std::string what;
  bool may_succeed_later = false;

  std::string reason() const { return what; }
  bool is_retriable() const { return may_succeed_later; }
};

/// Works off the log file that a key names, some hundred records at a time. For `expand()`.
///
/// An object that is replaced while it is read is read from its beginning, as the other object that
/// it is.
class log_file {
public:
  using state = file_progress;
  using output = std::variant<data::log_message, data::invalid_log>;

  log_file(std::string bucket, const std::string& line_pattern, const std::string& time_format);

  std::string key(const data::log_key::view& k) const { return std::string{k.key}; }
  cloudflow::result<cloudflow::expansion_progress, read_error> advance(
      file_progress& progress, const data::log_key& k, cloudflow::expansion_output<output>& out);

private:
  /// The file that is open, if any.
  struct reader;
  cloudflow::result<void, read_error> open(file_progress& progress, const std::string& key);
  static output to_output(const cloudflow::connect::log_item& item, const data::log_key& k);

  struct settings;
  std::shared_ptr<const settings> settings_;
  std::shared_ptr<reader> reader_;
};

}  // namespace logproc
