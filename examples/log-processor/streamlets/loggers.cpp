/// The ends that only show what arrives.
#include "cloudflow/streamlet/streamlet.hpp"
#include "log_schemas/invalid_log.hpp"
#include "log_schemas/log_key.hpp"
#include "log_schemas/log_message.hpp"
#include "log_schemas/log_stats.hpp"

#include <fmt/core.h>

namespace logproc {

using cloudflow::context;
using cloudflow::inlet;
using cloudflow::log_level;
using cloudflow::to_iso8601;
using data::invalid_log;
using data::log_key;
using data::log_message;
using data::log_stats;

/// Logs each key.
struct key_logger {
  inlet<log_key> in{"log-key"};

  auto logic(const context& ctx) const {
    return from(in).for_each([log = ctx.log()](const log_key::view& k) {
      log.info("{} has a new log: {}", k.app, k.key);
    });
  }
};

/// Prints messages to the terminal.
struct message_printer {
  inlet<log_message> in{"valid-logs"};

  auto logic() const {
    return from(in).for_each([](const log_message::view& m) {
      fmt::print("{} {:<5} {} {}\n", to_iso8601(m.timestamp), m.log_type, m.app, m.message);
    });
  }
};

/// Logs each message at its own level.
struct message_logger {
  inlet<log_message> in{"valid-logs"};

  auto logic(const context& ctx) const {
    return from(in).for_each([log = ctx.log()](const log_message::view& m) {
      log.log(cloudflow::log_level_of(m.log_type, log_level::info), "{}: {}", m.app, m.message);
    });
  }
};

/// Logs each result.
struct stat_logger {
  inlet<log_stats> in{"log-stat"};

  auto logic(const context& ctx) const {
    return from(in).for_each([log = ctx.log()](const log_stats::view& s) {
      log.info("{} {}: {} messages, {} problems{}", s.app, to_iso8601(s.windowstart), s.num_logs,
               s.num_errors, s.flag_errors ? ", FLAGGED" : "");
    });
  }
};

/// Logs what could not be parsed.
struct invalid_logger {
  inlet<invalid_log> in{"invalid-logs"};

  auto logic(const context& ctx) const {
    return from(in).for_each([log = ctx.log()](const invalid_log::view& i) {
      log.warn("{} line {}: {}: {}", i.source, i.line, i.reason, i.text);
    });
  }
};

}  // namespace logproc

template const cloudflow::streamlet_definition& cloudflow::definition_of<logproc::key_logger>();
template const cloudflow::streamlet_definition&
cloudflow::definition_of<logproc::message_printer>();
template const cloudflow::streamlet_definition& cloudflow::definition_of<logproc::message_logger>();
template const cloudflow::streamlet_definition& cloudflow::definition_of<logproc::stat_logger>();
template const cloudflow::streamlet_definition& cloudflow::definition_of<logproc::invalid_logger>();
