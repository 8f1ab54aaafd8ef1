/// The tree of a document before its substitutions are resolved. Internal to config.
#pragma once

#include "cloudflow/config/path.hpp"
#include "cloudflow/config/value.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

namespace cloudflow::config::detail {

struct node;
/// Null stands for "no value": what an optional substitution becomes that finds nothing. Whoever
/// builds a tree may change its nodes while nobody else has them; afterwards they are immutable and
/// shared.
using node_ptr = std::shared_ptr<node>;

/// Text. Whether it was quoted matters: unquoted text after a list or an object is dropped as if it
/// were white space.
struct text {
  std::string chars;
  bool quoted = true;
};

struct list_body {
  std::vector<node_ptr> items;
};

/// One key of an object; `where` is the origin of the key.
struct field {
  std::string key;
  origin where;
  node_ptr content;
};

/// The fields of an object in their order, found by key.
class field_list {
public:
  field* find(std::string_view key);
  const field* find(std::string_view key) const;
  /// The key must be new.
  void add(field f);

  std::size_t size() const noexcept { return items_.size(); }
  auto begin() noexcept { return items_.begin(); }
  auto end() noexcept { return items_.end(); }
  auto begin() const noexcept { return items_.begin(); }
  auto end() const noexcept { return items_.end(); }

private:
  struct key_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view key) const {
      return std::hash<std::string_view>{}(key);
    }
  };
  // Few fields are searched one by one, which is faster than an index and smaller.
  static constexpr std::size_t indexed_from = 16;

  std::size_t position(std::string_view key) const;

  std::vector<field> items_;
  std::unordered_map<std::string, std::size_t, key_hash, std::equal_to<>> index_;
};

struct object_body {
  field_list fields;
  std::size_t unresolved = 0;      ///< how many fields are
  bool ignores_fallbacks = false;  ///< it once stood over something that is no object
};

/// `${target}` or `${?target}`. In an included file the first `prefix` keys of `target` say where
/// the file was included.
struct reference {
  key_path target;
  bool optional = false;
  std::size_t prefix = 0;
};

/// Values side by side of which at least one is not known yet.
struct concatenation {
  std::vector<node_ptr> pieces;
};

/// Values of one key of which the upper ones cannot be merged yet; the highest comes first.
struct merge_stack {
  std::vector<node_ptr> layers;
};

/// Stands where a value could not be had and a problem was reported: nothing that meets it is a
/// problem again.
struct broken {};

using node_body = std::variant<std::monostate, bool, number, text, list_body, object_body,
                               reference, concatenation, merge_stack, broken>;

struct node {
  node(node_body content, origin at);

  template <class T>
  const T* as() const noexcept {
    return std::get_if<T>(&held);
  }
  template <class T>
  T* as() noexcept {
    return std::get_if<T>(&held);
  }

  node_body held;
  origin where;
  bool resolved = true;  ///< no substitution in it
  int depth = 1;         ///< of the tree below, this node included
};

node_ptr make_node(node_body held, origin where);

/// An object with no field yet.
node_ptr make_object(origin where);
/// Adds a field with a new key.
void add_field(node& object, field f);
/// Replaces the content of a field.
void set_content(node& object, field& f, node_ptr content);

/// An object, or a stack with one on top.
bool is_object(const node& n);
/// Nothing below it in a stack can show through.
bool ignores_fallbacks(const node& n);
/// What it is to a reader: `an object`, `a number`.
std::string_view describe(const node& n);

/// Whether a substitution in `n` looks at `path`, at something in it or at something around it.
bool refers_to(const node& n, const key_path& path);
/// `n` with `prefix` before the path of every substitution in it.
node_ptr relocated(const node_ptr& n, const key_path& prefix);

}  // namespace cloudflow::config::detail
