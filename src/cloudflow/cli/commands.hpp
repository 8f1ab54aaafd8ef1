/// `kubectl cloudflow`: the command line.
#pragma once

#include <string_view>

namespace cloudflow::cli {

/// Parses the arguments and runs what they say. Returns the exit code: 0, or 1 for any failure, as
/// 2.3's.
int run_kubectl_cloudflow(std::string_view version, int argc, char** argv);

}  // namespace cloudflow::cli
