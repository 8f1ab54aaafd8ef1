#include "cloudflow/flow/ports.hpp"

#include <stdexcept>

namespace cloudflow {

// Reached at run time only from compilers that run consteval default initialisers there (clang before 17).
void a_port_name_is_lower_case_letters_digits_and_inner_hyphens() {
  throw std::invalid_argument("a port name is lower-case letters, digits and inner hyphens");
}

}  // namespace cloudflow
