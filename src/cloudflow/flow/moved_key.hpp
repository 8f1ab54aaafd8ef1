/// Keys as text, for topics and messages.
#pragma once

#include "cloudflow/flow/ports.hpp"

#include <string_view>

namespace cloudflow::detail {

/// The text of a key as outlets write it; its stored form where it has none. Never null: a record
/// without key would go to one partition after the other.
template <class Key>
std::string_view moved_key_of(const Key& key, byte_writer& space) {
  if constexpr (has_key_text<Key>) {
    return key_text(key, space);
  } else {
    codec<owned_of<Key>>::encode(key, space);
    return key_text(space.view(), space);
  }
}

}  // namespace cloudflow::detail
