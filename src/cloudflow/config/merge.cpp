#include "cloudflow/config/merge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

namespace cloudflow::config::detail {

namespace {

std::vector<node_ptr> layers_of(const node_ptr& n) {
  if (const auto* stack = n->as<merge_stack>()) return stack->layers;
  return {n};
}

node_ptr stacked(const node_ptr& upper, const node_ptr& lower) {
  auto layers = layers_of(upper);
  const auto below = layers_of(lower);
  layers.insert(layers.end(), below.begin(), below.end());
  return make_node(merge_stack{std::move(layers)}, upper->where);
}

// The fields of the lower object come first: they were written first.
node_ptr merged_objects(const node& upper, const node& lower) {
  auto out = std::make_shared<node>(lower.held, upper.where);
  auto& body = *out->as<object_body>();
  for (const auto& f : upper.as<object_body>()->fields) {
    if (auto* below = body.fields.find(f.key)) {
      set_content(*out, *below, over(f.content, below->content));
      below->where = f.where;
    } else {
      add_field(*out, f);
    }
  }
  return out;
}

node_ptr without_fallbacks(const node& object) {
  auto out = std::make_shared<node>(object);
  out->as<object_body>()->ignores_fallbacks = true;
  return out;
}

}  // namespace

bool is_unmergeable(const node& n) {
  return n.as<reference>() || n.as<concatenation>() || n.as<merge_stack>();
}

node_ptr over(const node_ptr& upper, const node_ptr& lower) {
  if (ignores_fallbacks(*upper)) return upper;
  if (is_unmergeable(*lower)) return stacked(upper, lower);
  if (upper->as<object_body>() && lower->as<object_body>()) return merged_objects(*upper, *lower);
  return upper->resolved ? without_fallbacks(*upper) : stacked(upper, lower);
}

bool allowance::spend(std::size_t amount) noexcept {
  left = amount < left ? left - amount : 0;
  return left != 0;
}

problem not_joinable(const node& left, const node& right) {
  return {problem_kind::wrong_type, right.where,
          fmt::format("cannot join {} (set at {}) with {}", describe(left), to_string(left.where),
                      describe(right)),
          "Only values of one kind can stand side by side: text, lists or objects."};
}

// -- concatenation --------------------------------------------------------------------------------

namespace {

constexpr std::size_t cost_of_an_item = 16;

/// The text of a value that has one.
const std::string* chars(const node& n) {
  static const std::string yes = "true";
  static const std::string no = "false";
  static const std::string null = "null";
  if (const auto* t = n.as<text>()) return &t->chars;
  if (const auto* digits = n.as<number>()) return &digits->text;
  if (const auto* b = n.as<bool>()) return *b ? &yes : &no;
  return n.as<std::monostate>() ? &null : nullptr;
}

bool is_dropped_after_container(const node& n) {
  const auto* t = n.as<text>();
  return t != nullptr && !t->quoted;
}

/// An object with keys 0, 1, ... as the list of their values; other objects as they are. That is
/// how lists are written in properties files.
node_ptr as_list(const node_ptr& n) {
  const auto* object = n->as<object_body>();
  if (object == nullptr) return n;
  std::map<int, node_ptr> numbered;
  for (const auto& f : object->fields) {
    int i = 0;
    const auto* end = f.key.data() + f.key.size();
    const auto read = std::from_chars(f.key.data(), end, i);
    if (read.ec == std::errc{} && read.ptr == end && i >= 0) numbered[i] = f.content;
  }
  if (numbered.empty()) return n;
  list_body list;
  for (auto& [i, content] : numbered) list.items.push_back(std::move(content));
  return make_node(std::move(list), n->where);
}

/// Joins from left to right; what it has made itself it may grow in place.
class joiner {
public:
  explicit joiner(allowance& room) : room_{room} {}

  std::optional<mismatch> add(const node_ptr& right) {
    if (joined_.empty()) return append(right);
    const auto& left = joined_.back();
    if (left->as<broken>() || right->as<broken>())
      return replace(left->as<broken>() ? left : right);
    if (left->as<list_body>() && is_object(*right)) return join(left, as_list(right));
    if (is_object(*left) && right->as<list_body>()) return join(as_list(left), right);
    return join(left, right);
  }

  std::vector<node_ptr> take() && { return std::move(joined_); }

private:
  /// `left` is a copy because what it points to is replaced meanwhile.
  // NOLINTNEXTLINE(performance-unnecessary-value-param)
  std::optional<mismatch> join(node_ptr left, const node_ptr& right) {
    if (is_object(*left) && is_object(*right)) return replace(over(right, left));
    if (left->as<list_body>() && right->as<list_body>()) return join_lists(left, right);
    const auto container = left->as<list_body>() || is_object(*left);
    if (container && is_dropped_after_container(*right)) return std::nullopt;
    if (is_unmergeable(*left) || is_unmergeable(*right)) return append(right);
    return join_text(left, right);
  }

  std::optional<mismatch> join_text(const node_ptr& left, const node_ptr& right) {
    const auto* head = chars(*left);
    const auto* tail = chars(*right);
    if (head == nullptr || tail == nullptr) return mismatch{left, right};
    if (!room_.spend(tail->size())) return std::nullopt;
    if (!own_) {
      if (!room_.spend(head->size())) return std::nullopt;
      replace(make_node(text{*head, true}, left->where));
      own_ = true;
    }
    joined_.back()->as<text>()->chars += *tail;
    return std::nullopt;
  }

  std::optional<mismatch> join_lists(const node_ptr& left, const node_ptr& right) {
    auto items = left->as<list_body>()->items;
    const auto& more = right->as<list_body>()->items;
    if (!room_.spend((items.size() + more.size()) * cost_of_an_item)) return std::nullopt;
    items.insert(items.end(), more.begin(), more.end());
    return replace(make_node(list_body{std::move(items)}, left->where));
  }

  std::optional<mismatch> append(node_ptr n) {
    joined_.push_back(std::move(n));
    own_ = false;
    return std::nullopt;
  }

  std::optional<mismatch> replace(node_ptr n) {
    joined_.back() = std::move(n);
    own_ = false;
    return std::nullopt;
  }

  allowance& room_;
  std::vector<node_ptr> joined_;
  bool own_ = false;
};

}  // namespace

std::variant<node_ptr, mismatch> concatenate(const std::vector<node_ptr>& pieces, allowance& room) {
  if (pieces.empty()) return node_ptr{};
  if (pieces.size() == 1) return pieces.front();
  joiner all{room};
  for (const auto& piece : pieces) {
    const auto* nested = piece->as<concatenation>();
    for (const auto& one : nested ? nested->pieces : std::vector<node_ptr>{piece}) {
      if (auto failure = all.add(one)) return std::move(*failure);
    }
  }
  auto joined = std::move(all).take();
  if (joined.size() == 1) return joined.front();
  auto where = joined.front()->where;
  return make_node(concatenation{std::move(joined)}, std::move(where));
}

}  // namespace cloudflow::config::detail
