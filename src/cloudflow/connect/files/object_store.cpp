#include "cloudflow/connect/files/object_store.hpp"

namespace cloudflow::connect {

std::string_view to_string(object_errc code) noexcept {
  switch (code) {
    case object_errc::not_found: return "not found";
    case object_errc::forbidden: return "forbidden";
    case object_errc::invalid_key: return "invalid key";
    case object_errc::changed: return "changed";
    case object_errc::unavailable: return "unavailable";
  }
  return "unknown";
}

}  // namespace cloudflow::connect
