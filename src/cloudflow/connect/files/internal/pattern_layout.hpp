/// Layouts that a user writes as a pattern; private to this folder.
#pragma once

#include "cloudflow/connect/files/log_layout.hpp"

#include <memory>
#include <string_view>

namespace cloudflow::connect::detail {

class compiled_pattern;

result<std::shared_ptr<const compiled_pattern>> compile_pattern(std::string_view pattern,
                                                                std::string_view time);
std::unique_ptr<log_layout> make_pattern_layout(std::shared_ptr<const compiled_pattern> pattern);

}  // namespace cloudflow::connect::detail
