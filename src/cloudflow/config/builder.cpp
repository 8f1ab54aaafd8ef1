#include "cloudflow/config/builder.hpp"

#include "cloudflow/config/merge.hpp"

#include <algorithm>
#include <utility>

namespace cloudflow::config::detail {

namespace {

/// An object whose fields can still be changed in place.
bool is_open_object(const node& n) { return n.as<object_body>() && !ignores_fallbacks(n); }

node_ptr below_keys(std::span<const std::string> keys, const origin& where, node_ptr content) {
  for (auto key = keys.rbegin(); key != keys.rend(); ++key) {
    auto object = make_object(where);
    add_field(*object, {*key, where, std::move(content)});
    content = std::move(object);
  }
  return content;
}

bool is_optional_or_blank(const node& n) {
  if (const auto* r = n.as<reference>()) return r->optional;
  const auto* t = n.as<text>();
  return t != nullptr && !t->quoted && t->chars.find_first_not_of(" \t") == std::string::npos;
}

/// It may turn out to be nothing, and then what is below stays: `key = ${?OVERRIDE}`.
bool may_vanish(const node& n) {
  if (n.as<reference>()) return is_optional_or_blank(n);
  const auto* c = n.as<concatenation>();
  return c != nullptr && std::all_of(c->pieces.begin(), c->pieces.end(), [](const node_ptr& piece) {
           return is_optional_or_blank(*piece);
         });
}

/// Whether putting `upper` over `lower` surely loses `lower`.
bool discards(const node& upper, const node& lower, const key_path& path) {
  const auto& top = lower.as<merge_stack>() ? *lower.as<merge_stack>()->layers.front() : lower;
  if (upper.as<broken>() || top.as<broken>()) return false;
  if (refers_to(upper, path) || may_vanish(upper)) return false;
  const auto lower_may_merge = is_object(top) || is_unmergeable(top);
  const auto upper_may_merge = is_object(upper) || is_unmergeable(upper);
  return !(lower_may_merge && upper_may_merge);
}

}  // namespace

object_builder::object_builder(origin where, key_path path, std::vector<duplicate_key>& duplicates)
  : object_{make_object(std::move(where))}, path_{std::move(path)}, duplicates_{duplicates} {}

void object_builder::put(std::span<const std::string> keys, const origin& where, node_ptr content) {
  put(*object_, keys, where, std::move(content));
}

node_ptr object_builder::take() && { return std::move(object_); }

void object_builder::put(node& object, std::span<const std::string> keys, const origin& where,
                         node_ptr content) {
  auto* existing = object.as<object_body>()->fields.find(keys.front());
  const auto rest = keys.subspan(1);
  if (existing == nullptr) {
    add_field(object, {keys.front(), where, below_keys(rest, where, std::move(content))});
    return;
  }
  path_.push_back(keys.front());
  if (!rest.empty() && is_open_object(*existing->content)) {
    const auto inner = existing->content;
    const auto was_resolved = inner->resolved;
    put(*inner, rest, where, std::move(content));
    if (was_resolved != inner->resolved) {
      auto& unresolved = object.as<object_body>()->unresolved;
      inner->resolved ? --unresolved : ++unresolved;
    }
    object.resolved = object.as<object_body>()->unresolved == 0;
    object.depth = std::max(object.depth, inner->depth + 1);
  } else {
    put_over(object, *existing, where, below_keys(rest, where, std::move(content)));
  }
  path_.pop_back();
}

void object_builder::put_over(node& object, field& existing, const origin& where,
                              const node_ptr& content) {
  if (is_open_object(*existing.content) && is_open_object(*content)) {
    const auto key = existing.key;
    path_.pop_back();
    for (auto& f : content->as<object_body>()->fields) {
      const std::string keys[] = {key, f.key};
      put(object, keys, f.where, std::move(f.content));
    }
    path_.push_back(key);
    existing.where = where;
    existing.content->where = content->where;
    return;
  }
  note_duplicate(existing, where, *content);
  set_content(object, existing, over(content, existing.content));
  existing.where = where;
}

void object_builder::note_duplicate(const field& existing, const origin& where,
                                    const node& content) {
  const auto same_file = existing.where.source == where.source;
  if (!same_file || !discards(content, *existing.content, path_)) return;
  duplicates_.push_back({to_string(path_), existing.where, where});
}

}  // namespace cloudflow::config::detail
