#pragma once

#include <string>
#include <string_view>

namespace logproc {

/// The application that an object belongs to when nobody says so: `logs/payments.log` ->
/// `payments`.
inline std::string app_name(std::string_view key) {
  const auto slash = key.rfind('/');
  const auto file = slash == key.npos ? key : key.substr(slash + 1);
  const auto dot = file.rfind('.');
  return std::string{dot == file.npos || dot == 0 ? file : file.substr(0, dot)};
}

}  // namespace logproc
