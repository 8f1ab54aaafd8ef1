#include "cloudflow/flow/checks.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace cloudflow {

// Reached at run time only from compilers that run consteval default initialisers there (clang
// before 17).
void a_port_name_is_lower_case_letters_digits_and_inner_hyphens() {
  throw std::invalid_argument("a port name is lower-case letters, digits and inner hyphens");
}

void detail::refuse_text(std::string_view outlet, const char* what) {
  throw std::invalid_argument(fmt::format(
      "outlet `{}`: {} is not UTF-8 (a view of what is gone, or bytes that are no text)", outlet,
      what));
}

void detail::refuse_setting(const char* sentence) { throw std::invalid_argument(sentence); }

}  // namespace cloudflow
