#include "cloudflow/config/resolver.hpp"

#include "cloudflow/config/parser.hpp"
#include "cloudflow/config/traversal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace cloudflow::config::detail {

namespace {

// Values inside values, references included. With the sanitizers a level takes about 1 KiB of
// stack.
constexpr int max_depth = 3000;
// A field looked at or copied is a step. Enough for twenty thousand references, and over within a
// second or two.
constexpr std::size_t max_steps = 4'000'000;
// What resolving a value takes, compared with copying a field.
constexpr std::size_t steps_per_value = 20;

enum class sight { absent, settled, open };

/// What a path leads to as far as that is certain before anything is resolved.
sight look(const node& root, std::span<const std::string> path) {
  const auto* at = &root;
  for (const auto& key : path) {
    const auto* object = at->as<object_body>();
    if (object == nullptr) return at->resolved ? sight::absent : sight::open;
    const auto* f = object->fields.find(key);
    if (f == nullptr) return sight::absent;
    at = f->content.get();
  }
  return at->resolved ? sight::settled : sight::open;
}

/// True if `layer` becomes the same whatever unresolved value is taken out of `root`. So it is with
/// the usual `key = ${default}`, `key = ${?ENVIRONMENT_VARIABLE}`, which would otherwise cost a
/// copy of the root each.
bool is_independent(const node& layer, const node& root) {
  if (layer.resolved) return true;
  if (const auto* c = layer.as<concatenation>()) {
    return std::all_of(c->pieces.begin(), c->pieces.end(),
                       [&](const node_ptr& piece) { return is_independent(*piece, root); });
  }
  const auto* r = layer.as<reference>();
  if (r == nullptr) return false;
  auto seen = look(root, r->target);
  if (seen == sight::absent && r->prefix > 0) {
    seen = look(root, std::span<const std::string>{r->target}.subspan(r->prefix));
  }
  return seen != sight::open;
}

}  // namespace

resolver::resolver(node_ptr root, const document::resolve_options& options)
  : root_{std::move(root)}, options_{options}, steps_left_{max_steps} {}

node_ptr resolver::run() {
  const auto done = resolve(root_, {root_, nullptr}, {});
  return problems_.empty() ? done.value : nullptr;
}

resolver::outcome resolver::resolve(const node_ptr& n, const source& from, restriction asked) {
  if (gave_up_) return {n};
  if (auto value = known(n, asked)) return {value};
  if (open_references_.contains(n.get())) return {nullptr, true};
  if (depth_ == max_depth) {
    return give_up(n->where, "values refer to values through too many levels");
  }
  if (!spend(steps_per_value))
    return give_up(n->where, "the substitutions take too long to resolve");
  ++depth_;
  auto done = resolve_anew(n, from, asked);
  --depth_;
  if (done.cycle || gave_up_) return done;
  if (done.value && done.value->resolved && done.value->depth > 2 * max_nesting) {
    return give_up(n->where, fmt::format("more than {} levels of nesting", 2 * max_nesting));
  }
  const auto whole = !done.value || done.value->resolved;
  remember(n, whole ? restriction{} : asked, done.value);
  return done;
}

resolver::outcome resolver::resolve_anew(const node_ptr& n, const source& from, restriction asked) {
  if (n->as<object_body>()) return resolve_object(n, from, asked);
  if (n->as<reference>()) return resolve_reference(n, from, asked);
  if (n->as<concatenation>()) return resolve_concatenation(n, from);
  if (n->as<merge_stack>()) return resolve_stack(n, from, asked);
  // A list has no keys: whoever asks for one gets nothing out of it.
  return asked.empty() ? resolve_list(n, from) : outcome{n};
}

// -- containers -----------------------------------------------------------------------------------

resolver::outcome resolver::resolve_object(const node_ptr& n, const source& from,
                                           restriction asked) {
  const auto within = inside(from, n);
  if (!asked.empty()) return resolve_field(n, within, asked);
  const auto& body = *n->as<object_body>();
  spend(body.fields.size());
  std::unordered_map<const field*, node_ptr> contents;
  for (const auto* f : in_resolution_order(body.fields)) {
    auto content = resolve(f->content, within, {});
    if (content.cycle) return content;
    contents.emplace(f, std::move(content.value));
  }
  auto out = make_object(n->where);
  out->as<object_body>()->ignores_fallbacks = body.ignores_fallbacks;
  for (const auto& f : body.fields) {
    if (auto& content = contents[&f]) add_field(*out, {f.key, f.where, std::move(content)});
  }
  return {out};
}

/// The object with only one field resolved, and that as far as it was asked for.
resolver::outcome resolver::resolve_field(const node_ptr& n, const source& inside,
                                          restriction asked) {
  const auto* f = n->as<object_body>()->fields.find(asked.front());
  if (f == nullptr || asked.size() == 1) return {n};
  auto content = resolve(f->content, inside, asked.subspan(1));
  if (content.cycle) return content;
  if (content.value == f->content) return {n};
  return {with_child_replaced(*n, f->content, content.value)};
}

resolver::outcome resolver::resolve_list(const node_ptr& n, const source& from) {
  const auto within = inside(from, n);
  list_body out;
  for (const auto& item : n->as<list_body>()->items) {
    auto one = resolve(item, within, {});
    if (one.cycle) return one;
    if (one.value) out.items.push_back(std::move(one.value));
  }
  return {make_node(std::move(out), n->where)};
}

resolver::outcome resolver::resolve_concatenation(const node_ptr& n, const source& from) {
  const auto within = inside(from, n);
  std::vector<node_ptr> pieces;
  for (const auto& piece : n->as<concatenation>()->pieces) {
    auto one = resolve(piece, within, {});
    if (one.cycle) return one;
    if (one.value) pieces.push_back(std::move(one.value));
  }
  if (gave_up_) return {n};
  auto joined = concatenate(pieces, room_);
  if (room_.left == 0) return give_up(n->where, "the substitutions make too much text");
  if (auto* whole = std::get_if<node_ptr>(&joined)) return {std::move(*whole)};
  const auto& [left, right] = std::get<mismatch>(joined);
  report(not_joinable(*left, *right));
  return {make_node(broken{}, n->where)};
}

resolver::outcome resolver::resolve_stack(const node_ptr& n, const source& from,
                                          restriction asked) {
  node_ptr merged;
  std::size_t above = 0;
  for (const auto& layer : n->as<merge_stack>()->layers) {
    ++above;
    auto one = outcome{known(layer, asked)};
    if (!one.value) {
      const auto seen =
          is_unmergeable(*layer) ? without_upper_layers(from, n, above) : inside(from, n);
      one = resolve(layer, seen, asked);
    }
    if (one.cycle || gave_up_) return one;
    if (one.value) merged = merged ? over(merged, one.value) : one.value;
  }
  return {merged};
}

// -- references -----------------------------------------------------------------------------------

resolver::outcome resolver::resolve_reference(const node_ptr& n, const source& from,
                                              restriction asked) {
  const auto& r = *n->as<reference>();
  const auto mark = memo_log_.size();
  open_references_.insert(n.get());
  auto found = follow(r, from, asked);
  open_references_.erase(n.get());
  if (found.cycle) {
    forget_since(mark);
    found.value = nullptr;
  }
  if (found.value || r.optional || gave_up_) return {found.value};
  report_unresolved(*n, r, found.cycle);
  return {make_node(broken{}, n->where)};
}

resolver::outcome resolver::follow(const reference& r, const source& from, restriction asked) {
  const auto found = look_up(r, from.root);
  if (found.cycle || !found.value) return {nullptr, found.cycle};
  return resolve(found.value, found.at, asked);
}

/// First where the including file would see it, then where the included file itself does, then in
/// the environment. What a search without success has resolved on its way is forgotten: it was
/// resolved while this reference was open.
resolver::lookup_result resolver::look_up(const reference& r, const node_ptr& root) {
  const auto mark = memo_log_.size();
  auto found = find(root, r.target);
  if (found.cycle || found.value) return found;
  const auto own_path = std::span<const std::string>{r.target}.subspan(r.prefix);
  if (r.prefix > 0) found = find(root, own_path);
  if (found.cycle || found.value) return found;
  forget_since(mark);
  found.value = from_environment(own_path);
  return found;
}

resolver::lookup_result resolver::find(const node_ptr& root, std::span<const std::string> path) {
  auto top = resolve(root, {root, nullptr}, path);
  if (top.cycle) return {nullptr, {}, true};
  source at{top.value, nullptr};
  auto current = top.value;
  for (std::size_t i = 0; i != path.size(); ++i) {
    if (current->as<broken>()) return {current, at};
    const auto* object = current->as<object_body>();
    const auto* f = object ? object->fields.find(path[i]) : nullptr;
    if (f == nullptr) return {};
    at.path = std::make_shared<containers>(containers{current, at.path});
    current = f->content;
  }
  return {current, at};
}

node_ptr resolver::from_environment(std::span<const std::string> path) const {
  if (options_.environment == nullptr) return nullptr;
  std::string name;
  for (const auto& key : path) name += (name.empty() ? "" : ".") + key;
  auto found = options_.environment(name);
  if (!found) return nullptr;
  auto origin_name = std::make_shared<const std::string>("environment variable " + name);
  return make_node(text{std::move(*found), true}, {std::move(origin_name), 0, 0});
}

// -- memory ---------------------------------------------------------------------------------------

std::size_t resolver::memo_hash::operator()(const memo_key& key) const {
  auto h = std::hash<const void*>{}(key.of);
  for (const auto& k : key.asked) h = h * 31 + std::hash<std::string>{}(k);
  return h;
}

/// What `n` is resolved to, or null if that has to be found out.
node_ptr resolver::known(const node_ptr& n, restriction asked) const {
  if (n->resolved) return n;
  auto value = recall(n.get(), {});
  return value || asked.empty() ? value : recall(n.get(), asked);
}

node_ptr resolver::recall(const node* n, restriction asked) const {
  const auto found = memos_.find({n, {asked.begin(), asked.end()}});
  return found == memos_.end() ? nullptr : found->second.value;
}

void resolver::remember(const node_ptr& n, restriction asked, const node_ptr& value) {
  memo_key key{n.get(), {asked.begin(), asked.end()}};
  if (!memos_.emplace(key, memo{n, value}).second) return;
  memo_log_.push_back(std::move(key));
}

void resolver::forget_since(std::size_t mark) {
  for (; memo_log_.size() != mark; memo_log_.pop_back()) memos_.erase(memo_log_.back());
}

// -- what a value sees ----------------------------------------------------------------------------

/// A value that was not reached from the root knows no containers, and need not know more of them.
resolver::source resolver::inside(const source& from, const node_ptr& container) {
  if (!from.path && container != from.root) return from;
  return {from.root, std::make_shared<containers>(containers{container, from.path})};
}

/// The root as seen by the last of the first `count` layers of `stack`: with only what is below it.
resolver::source resolver::without_upper_layers(const source& from, const node_ptr& stack,
                                                std::size_t count) {
  const auto& layers = stack->as<merge_stack>()->layers;
  if (!from.path || is_independent(*layers[count - 1], *from.root)) return {from.root, nullptr};
  const auto rest = std::span{layers}.subspan(count);
  node_ptr by;
  if (rest.size() == 1) by = rest.front();
  if (rest.size() > 1) by = make_node(merge_stack{{rest.begin(), rest.end()}}, rest.front()->where);
  spend(rest.size());
  node_ptr child = stack;
  for (auto up = from.path; up; up = up->outer) {
    by = with_child_replaced(*up->container, child, by);
    child = up->container;
  }
  return {by ? by : make_object(from.root->where), nullptr};
}

/// A copy of `parent`; without the child if there is nothing to replace it, null if nothing is left
/// of a stack or a concatenation.
node_ptr resolver::with_child_replaced(const node& parent, const node_ptr& child,
                                       const node_ptr& by) {
  const auto replaced = [&](std::vector<node_ptr> nodes) {
    spend(nodes.size());
    const auto at = std::find(nodes.begin(), nodes.end(), child);
    if (at != nodes.end() && by) *at = by;
    if (at != nodes.end() && !by) nodes.erase(at);
    return nodes;
  };
  if (const auto* list = parent.as<list_body>()) {
    return make_node(list_body{replaced(list->items)}, parent.where);
  }
  if (const auto* pieces = parent.as<concatenation>()) {
    auto rest = replaced(pieces->pieces);
    return rest.empty() ? nullptr : make_node(concatenation{std::move(rest)}, parent.where);
  }
  if (const auto* stack = parent.as<merge_stack>()) {
    auto rest = replaced(stack->layers);
    return rest.empty() ? nullptr : make_node(merge_stack{std::move(rest)}, parent.where);
  }
  const auto& body = *parent.as<object_body>();
  spend(body.fields.size());
  auto out = make_object(parent.where);
  out->as<object_body>()->ignores_fallbacks = body.ignores_fallbacks;
  for (const auto& f : body.fields) {
    const auto& content = f.content == child ? by : f.content;
    if (content) add_field(*out, {f.key, f.where, content});
  }
  return out;
}

// -- limits and problems --------------------------------------------------------------------------

bool resolver::spend(std::size_t steps) {
  steps_left_ = steps < steps_left_ ? steps_left_ - steps : 0;
  return steps_left_ != 0;
}

resolver::outcome resolver::give_up(const origin& where, std::string_view what) {
  gave_up_ = true;
  report({problem_kind::unresolved_substitution, where, std::string{what},
          "Look for substitutions that refer to each other or multiply."});
  return {make_node(broken{}, where)};
}

void resolver::report(problem p) {
  const auto same = [&](const problem& other) {
    return other.kind == p.kind && other.where.source == p.where.source &&
           other.where.line == p.where.line && other.where.column == p.where.column;
  };
  if (std::none_of(problems_.begin(), problems_.end(), same)) problems_.push_back(std::move(p));
}

void resolver::report_unresolved(const node& n, const reference& r, bool cycle) {
  const auto name = to_string(r.target);
  if (cycle) {
    report({problem_kind::unresolved_substitution, n.where,
            fmt::format("${{{}}} depends on itself", name),
            "Give one of the keys in the circle a value of its own."});
    return;
  }
  const node* around = root_.get();
  std::string suggestion;
  for (const auto& key : r.target) {
    const auto* object = around->as<object_body>();
    if (object == nullptr) break;
    if (const auto* f = object->fields.find(key)) {
      around = f->content.get();
      continue;
    }
    std::vector<std::string> keys;
    for (const auto& f : object->fields) keys.push_back(f.key);
    if (const auto near = nearest(key, keys))
      suggestion = fmt::format("Did you mean \"{}\"? ", *near);
    break;
  }
  suggestion += fmt::format("Set it, or write ${{?{}}} if it may be absent.", name);
  report({problem_kind::unresolved_substitution, n.where,
          fmt::format("${{{}}} is not set, neither in the document nor in the environment", name),
          std::move(suggestion)});
}

}  // namespace cloudflow::config::detail
