#include "cloudflow/base/assert.hpp"

#include <cstdio>
#include <cstdlib>

void cloudflow::detail::assertion_failed(const char* condition, const char* message,
                                         const char* file, int line) noexcept {
  std::fprintf(stderr, "%s:%d: internal error: %s (%s)\n", file, line, message, condition);
  std::abort();
}
