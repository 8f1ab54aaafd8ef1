/// An object as its text is read: later keys go over earlier ones, in place. Internal to config.
#pragma once

#include "cloudflow/config/node.hpp"

#include <span>
#include <string>
#include <vector>

namespace cloudflow::config::detail {

/// Collects the fields of one object. Confined to one thread; nodes given to it must be held by
/// nobody else.
class object_builder {
public:
  /// `path` leads to the object from the root of its file; keys set twice are added to
  /// `duplicates`, which must outlive this.
  object_builder(origin where, key_path path, std::vector<duplicate_key>& duplicates);

  /// Sets the value at `keys`, relative to the object; objects on the way are made or merged with.
  void put(std::span<const std::string> keys, const origin& where, node_ptr content);

  node_ptr take() &&;

private:
  void put(node& object, std::span<const std::string> keys, const origin& where, node_ptr content);
  void put_over(node& object, field& existing, const origin& where, const node_ptr& content);
  void note_duplicate(const field& existing, const origin& where, const node& content);

  node_ptr object_;
  key_path path_;
  std::vector<duplicate_key>& duplicates_;
};

}  // namespace cloudflow::config::detail
