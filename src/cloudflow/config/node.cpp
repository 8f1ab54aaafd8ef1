#include "cloudflow/config/node.hpp"

#include <algorithm>
#include <type_traits>
#include <utility>

namespace cloudflow::config::detail {

// -- field_list -----------------------------------------------------------------------------------

std::size_t field_list::position(std::string_view key) const {
  if (items_.size() >= indexed_from) {
    const auto found = index_.find(key);
    return found == index_.end() ? items_.size() : found->second;
  }
  const auto found =
      std::find_if(items_.begin(), items_.end(), [&](const field& f) { return f.key == key; });
  return static_cast<std::size_t>(found - items_.begin());
}

field* field_list::find(std::string_view key) {
  const auto i = position(key);
  return i == items_.size() ? nullptr : &items_[i];
}

const field* field_list::find(std::string_view key) const {
  const auto i = position(key);
  return i == items_.size() ? nullptr : &items_[i];
}

void field_list::add(field f) {
  items_.push_back(std::move(f));
  if (items_.size() < indexed_from) return;
  const auto first = items_.size() == indexed_from ? 0 : items_.size() - 1;
  for (auto i = first; i != items_.size(); ++i) index_.emplace(items_[i].key, i);
}

// -- node -----------------------------------------------------------------------------------------

namespace {

template <class F>
void for_each_child(const node& n, F f) {
  if (const auto* list = n.as<list_body>()) {
    for (const auto& item : list->items) f(*item);
  } else if (const auto* object = n.as<object_body>()) {
    for (const auto& one : object->fields) f(*one.content);
  } else if (const auto* pieces = n.as<concatenation>()) {
    for (const auto& piece : pieces->pieces) f(*piece);
  } else if (const auto* stack = n.as<merge_stack>()) {
    for (const auto& layer : stack->layers) f(*layer);
  }
}

bool is_unresolved_by_kind(const node& n) {
  return n.as<reference>() || n.as<concatenation>() || n.as<merge_stack>();
}

}  // namespace

node::node(node_body content, origin at) : held{std::move(content)}, where{std::move(at)} {
  resolved = !is_unresolved_by_kind(*this);
  for_each_child(*this, [&](const node& child) {
    resolved = resolved && child.resolved;
    depth = std::max(depth, child.depth + 1);
  });
}

node_ptr make_node(node_body held, origin where) {
  return std::make_shared<node>(std::move(held), std::move(where));
}

node_ptr make_object(origin where) { return make_node(object_body{}, std::move(where)); }

void add_field(node& object, field f) {
  auto& body = *object.as<object_body>();
  if (!f.content->resolved) ++body.unresolved;
  object.depth = std::max(object.depth, f.content->depth + 1);
  object.resolved = body.unresolved == 0;
  body.fields.add(std::move(f));
}

void set_content(node& object, field& f, node_ptr content) {
  auto& body = *object.as<object_body>();
  if (f.content && !f.content->resolved) --body.unresolved;
  if (!content->resolved) ++body.unresolved;
  object.depth = std::max(object.depth, content->depth + 1);
  object.resolved = body.unresolved == 0;
  f.content = std::move(content);
}

bool is_object(const node& n) {
  if (const auto* stack = n.as<merge_stack>()) return is_object(*stack->layers.front());
  return n.as<object_body>() != nullptr;
}

bool ignores_fallbacks(const node& n) {
  if (const auto* object = n.as<object_body>()) return object->ignores_fallbacks;
  if (const auto* stack = n.as<merge_stack>()) return ignores_fallbacks(*stack->layers.back());
  return n.resolved;
}

std::string_view describe(const node& n) {
  struct names {
    std::string_view operator()(std::monostate) const { return "null"; }
    std::string_view operator()(bool) const { return "a boolean"; }
    std::string_view operator()(const number&) const { return "a number"; }
    std::string_view operator()(const text&) const { return "text"; }
    std::string_view operator()(const list_body&) const { return "a list"; }
    std::string_view operator()(const object_body&) const { return "an object"; }
    std::string_view operator()(const reference&) const { return "a substitution"; }
    std::string_view operator()(const concatenation&) const { return "a concatenation"; }
    std::string_view operator()(const merge_stack&) const { return "an object"; }
    std::string_view operator()(broken) const { return "nothing"; }
  };
  return std::visit(names{}, n.held);
}

bool refers_to(const node& n, const key_path& path) {
  if (n.resolved) return false;
  if (const auto* r = n.as<reference>()) {
    const auto common = std::min(path.size(), r->target.size());
    return std::equal(path.begin(), path.begin() + static_cast<std::ptrdiff_t>(common),
                      r->target.begin());
  }
  bool found = false;
  for_each_child(n, [&](const node& child) { found = found || refers_to(child, path); });
  return found;
}

// -- relocated ------------------------------------------------------------------------------------

namespace {

std::vector<node_ptr> relocated(const std::vector<node_ptr>& nodes, const key_path& prefix) {
  std::vector<node_ptr> out;
  out.reserve(nodes.size());
  for (const auto& n : nodes) out.push_back(detail::relocated(n, prefix));
  return out;
}

node_ptr relocated_object(const node& n, const key_path& prefix) {
  const auto& body = *n.as<object_body>();
  auto out = make_object(n.where);
  out->as<object_body>()->ignores_fallbacks = body.ignores_fallbacks;
  for (const auto& f : body.fields) {
    add_field(*out, {f.key, f.where, detail::relocated(f.content, prefix)});
  }
  return out;
}

}  // namespace

node_ptr relocated(const node_ptr& n, const key_path& prefix) {
  if (n->resolved || prefix.empty()) return n;
  if (n->as<object_body>()) return relocated_object(*n, prefix);
  if (const auto* list = n->as<list_body>()) {
    return make_node(list_body{relocated(list->items, prefix)}, n->where);
  }
  if (const auto* pieces = n->as<concatenation>()) {
    return make_node(concatenation{relocated(pieces->pieces, prefix)}, n->where);
  }
  if (const auto* stack = n->as<merge_stack>()) {
    return make_node(merge_stack{relocated(stack->layers, prefix)}, n->where);
  }
  auto r = *n->as<reference>();
  r.target.insert(r.target.begin(), prefix.begin(), prefix.end());
  r.prefix += prefix.size();
  return make_node(std::move(r), n->where);
}

}  // namespace cloudflow::config::detail
