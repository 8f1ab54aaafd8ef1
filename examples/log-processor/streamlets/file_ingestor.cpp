#include "cloudflow/streamlet/streamlet.hpp"
#include "log_schemas/invalid_log.hpp"
#include "log_schemas/log_key.hpp"
#include "log_schemas/log_message.hpp"
#include "streamlets/app_name.hpp"
#include "streamlets/log_file.hpp"

namespace logproc {

using cloudflow::dead_letter;
using data::invalid_log;
using data::log_key;
using data::log_message;

/// Reads the objects whose keys come in and gives out their records, and the lines that belong to
/// none.
struct file_ingestor {
  cloudflow::inlet<log_key> in{"log-key", cloudflow::keyed_by(&log_key::app)};
  cloudflow::outlet<log_message> valid{"valid-logs", cloudflow::key(&log_message::app)};
  cloudflow::outlet<invalid_log> invalid{"invalid-logs", cloudflow::key(&invalid_log::app)};
  cloudflow::state<file_progress> files{"files"};

  cloudflow::parameter<std::string> bucket{"bucket", "The object store: a directory.", "logs"};
  cloudflow::parameter<std::string> line_pattern{"line-pattern",
                                                 "A known layout (auto, zookeeper, log4j, logback, "
                                                 "json, syslog, iso8601), or RE2 with the groups "
                                                 "time, level, thread, logger, message.",
                                                 "auto"};
  cloudflow::parameter<std::string> time_format{"time-format",
                                                "How times look that a line-pattern of your own "
                                                "finds: iso8601, epoch-seconds, epoch-millis, or "
                                                "as in strptime, with %f for the fraction.",
                                                "iso8601"};

  auto logic(const cloudflow::context& ctx) const {
    return from(in)
        .expand(files, log_file{ctx[bucket], ctx[line_pattern], ctx[time_format]})
        .on_error<read_error>(dead_letter)
        .split(valid, invalid);
  }
};

}  // namespace logproc

template const cloudflow::streamlet_definition& cloudflow::definition_of<logproc::file_ingestor>();
