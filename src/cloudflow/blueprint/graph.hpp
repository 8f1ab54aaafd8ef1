/// The picture of an application for a terminal.
#pragma once

#include "cloudflow/blueprint/plan.hpp"

#include <string>

namespace cloudflow::blueprint {

struct graph_options {
  bool is_ascii = false;  ///< `->` for `─▶`: for terminals and files without UTF-8
};

/// Every streamlet with its class, guarantee and ports, in the order in which records pass them,
/// every outlet with its topic and who reads it; then the topics with schema, key and properties.
/// Lines are as long as they have to be:
///
///     parser  logproc.line_parser                               exactly-once
///       in       ◀─ [raw-lines]
///       out      ─▶ [messages]  ─▶ statistics.in, archive.in
///       invalid  ─▶ [invalid]   ─▶ nobody
///
/// Internal topics are not shown; an inlet that does not keep bad records says so.
std::string draw(const plan& p, const graph_options& options = {});

}  // namespace cloudflow::blueprint
