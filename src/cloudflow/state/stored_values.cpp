#include "cloudflow/state/stored_values.hpp"

#include "cloudflow/state/store_reader.hpp"

#include <fmt/format.h>

namespace cloudflow::stores {

std::uint8_t stored_values::number_of(std::string_view stored) {
  if (stored.empty())
    throw storage_failure("a stored value does not say with which schema it was written");
  return static_cast<std::uint8_t>(stored.front());
}

std::string_view stored_values::convert(std::uint8_t number, std::string_view value,
                                        byte_writer& space) const {
  if (number >= conversions_.size())
    throw storage_failure(fmt::format(
        "a stored value was written with schema {} of its store, and this program knows "
        "{}: a newer one has been at work",
        number, conversions_.size()));
  const auto& how = conversions_[number];
  if (!how) return value;
  if (!how(value, space))
    throw storage_failure(
        fmt::format("a stored value cannot be read with schema {} of its store", number));
  return space.view();
}

}  // namespace cloudflow::stores
