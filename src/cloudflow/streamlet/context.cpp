#include "cloudflow/streamlet/context.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace cloudflow {

blueprint::volume_mount_descriptor volume_mount::describe() const {
  return {std::string{name_}, std::string{path_},
          mode_ == access::read_only_many ? "ReadOnlyMany" : "ReadWriteMany", ""};
}

void context::set(const void* member, std::shared_ptr<const void> value) {
  for (auto& [address, held] : values_) {
    if (address != member) continue;
    held = std::move(value);
    return;
  }
  values_.emplace_back(member, std::move(value));
}

const void* context::value_of(const void* member, std::string_view name) const {
  if (last_read_ != nullptr) *last_read_ = member;
  for (const auto& [address, value] : values_)
    if (address == member) return value.get();
  throw std::invalid_argument(fmt::format("`{}` is not a member of this streamlet", name));
}

}  // namespace cloudflow
