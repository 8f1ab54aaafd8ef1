// From the resolved tree to the values that others see.
#include "cloudflow/config/resolver.hpp"

#include <utility>

namespace cloudflow::config::detail {

namespace {

// What one value takes besides its text, about.
constexpr std::size_t bytes_per_value = 64;

value copied(const node& n, allowance& room);

value copied_list(const list_body& list, const origin& where, allowance& room) {
  value::list out;
  out.reserve(list.items.size());
  for (const auto& item : list.items) {
    if (room.left == 0) break;
    out.push_back(copied(*item, room));
  }
  return {std::move(out), where};
}

value copied_object(const object_body& object, const origin& where, allowance& room) {
  value::object out;
  out.reserve(object.fields.size());
  for (const auto& f : object.fields) {
    if (!room.spend(f.key.size())) break;
    out.push_back({f.key, f.where, copied(*f.content, room)});
  }
  return {std::move(out), where};
}

/// Incomplete once the room is used up.
value copied(const node& n, allowance& room) {
  if (!room.spend(bytes_per_value)) return {};
  if (const auto* b = n.as<bool>()) return {*b, n.where};
  if (const auto* t = n.as<text>())
    return room.spend(t->chars.size()) ? value{t->chars, n.where} : value{};
  if (const auto* digits = n.as<number>()) return {*digits, n.where};
  if (const auto* list = n.as<list_body>()) return copied_list(*list, n.where, room);
  if (const auto* object = n.as<object_body>()) return copied_object(*object, n.where, room);
  return {std::monostate{}, n.where};
}

}  // namespace

result<value> to_value(const node& resolved) {
  allowance room;
  auto out = copied(resolved, room);
  if (room.left != 0) return out;
  return problem{problem_kind::unresolved_substitution, resolved.where,
                 "the substitutions make the document too large",
                 "Look for substitutions that multiply."};
}

}  // namespace cloudflow::config::detail
