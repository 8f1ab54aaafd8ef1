/// How names of a schema become names of C++.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cloudflow::codegen {

/// `LogMessage` -> `log_message`, `appId` -> `app_id`, `HTTPRequest` -> `http_request`.
std::string snake_case(std::string_view name);

/// Snake case; a keyword of C++ (and `std`, `cloudflow`) gets a trailing underscore.
std::string identifier(std::string_view name);

/// One identifier for each name, all different: where two would be the same, these keep the
/// schema's spelling. `taken` are names that may not occur; a name among them gets a trailing
/// underscore.
std::vector<std::string> identifiers(const std::vector<std::string>& names,
                                     const std::vector<std::string>& taken);

/// `logproc.data.LogMessage` -> `logproc::data`; empty without a namespace.
std::string cpp_namespace(std::string_view full_name);

/// `logproc.data.LogMessage` -> `::logproc::data::log_message`.
std::string cpp_type(std::string_view full_name);

/// `LogMessage` of `logproc.data.LogMessage`.
std::string_view short_name(std::string_view full_name);

}  // namespace cloudflow::codegen
