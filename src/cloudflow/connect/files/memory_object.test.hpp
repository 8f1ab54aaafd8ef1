#pragma once

#include "cloudflow/connect/files/object_store.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

namespace cloudflow::connect {

/// An object in memory that can be told to fail once.
class memory_object final : public stored_object {
public:
  explicit memory_object(std::string bytes) : bytes_(std::move(bytes)) {
    info_.size = bytes_.size();
  }

  const object_info& info() const noexcept override { return info_; }
  object_result<std::size_t> read(std::uint64_t offset, std::span<char> into) override {
    if (reads_until_failure_ == 0) {
      reads_until_failure_ = -1;
      return object_error{object_errc::unavailable, "the disk is away"};
    }
    if (reads_until_failure_ > 0) --reads_until_failure_;
    const auto part =
        std::string_view{bytes_}.substr(std::min<std::size_t>(offset, bytes_.size()), into.size());
    std::memcpy(into.data(), part.data(), part.size());
    return part.size();
  }
  void fail_after(int reads) { reads_until_failure_ = reads; }

private:
  std::string bytes_;
  object_info info_;
  int reads_until_failure_ = -1;
};

}  // namespace cloudflow::connect
