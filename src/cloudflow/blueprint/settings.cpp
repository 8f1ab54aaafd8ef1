#include "cloudflow/blueprint/internal/settings.hpp"

#include "cloudflow/blueprint/internal/value_reader.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace cloudflow::blueprint::internal {

config::origin settings::nowhere() {
  return {std::make_shared<const std::string>("configuration"), 0, 0};
}

const config::value* settings::object_at(std::initializer_list<std::string_view> path) {
  const auto* v = &root_;
  std::string name;
  for (const auto part : path) {
    v = v->get(part);
    if (v == nullptr || v->is_null()) return nullptr;
    if (!name.empty()) name += '.';
    name += part;
    if (v->is_object()) continue;
    if (std::find(reported_.begin(), reported_.end(), name) == reported_.end())
      report(v->where(), fmt::format("{} has type {} rather than OBJECT", name, type_name(*v)),
             fmt::format("write {} {{ ... }}", name));
    reported_.push_back(name);
    return nullptr;
  }
  return v;
}

const config::value* settings::config_of(const verified_streamlet& streamlet,
                                         std::initializer_list<std::string_view> path) const {
  const auto below = [&](const config::value* v) {
    for (const auto part : path)
      if (v != nullptr) v = v->get(part);
    return v != nullptr && v->is_null() ? nullptr : v;
  };
  if (const auto* own = below(root_.find({"cloudflow", "streamlets", streamlet.name, "config"})))
    return own;
  return below(root_.find({"cloudflow", "runtimes", streamlet.descriptor.runtime, "config"}));
}

setting settings::keep_secret(std::string path, std::string text) {
  auto reference = setting::secret(path);
  secrets_.insert_or_assign(std::move(path), std::move(text));
  return reference;
}

void settings::report(const config::origin& where, std::string message, std::string suggestion,
                      problem_kind kind, severity level) {
  problems_.push_back({.kind = kind,
                       .level = level,
                       .message = std::move(message),
                       .where = where,
                       .suggestion = std::move(suggestion)});
}

void settings::check_keys(const config::value& object, std::string_view path,
                          std::span<const std::string> known, std::string_view message) {
  const auto* members = object.as_object();
  if (members == nullptr) return;
  for (const auto& m : *members)
    if (std::find(known.begin(), known.end(), m.key) == known.end())
      report(m.where,
             fmt::format(fmt::runtime(message), fmt::arg("key", m.key), fmt::arg("path", path),
                         fmt::arg("known", fmt::join(known, ", "))),
             suggest(m.key, known), problem_kind::unknown_key);
}

void settings::check_paths(const config::value& object, std::string_view path,
                           std::span<const std::string> known, severity level) {
  std::string last;
  for (const auto& [leaf, text] : flatten(object)) {
    const auto is_or_is_below = [&leaf](const std::string& name) {
      return leaf == name || leaf.starts_with(name + ".");
    };
    if (std::any_of(known.begin(), known.end(), is_or_is_below)) continue;
    const auto first = leaf.substr(0, leaf.find('.'));
    const auto is_in_first = [&first](const auto& name) { return name.starts_with(first + "."); };
    auto key = std::any_of(known.begin(), known.end(), is_in_first) ? leaf : first;
    if (key == last) continue;
    report(text.where, fmt::format("Unknown key '{}.{}'.", path, key), suggest(key, known),
           problem_kind::unknown_key, level);
    last = std::move(key);
  }
}

}  // namespace cloudflow::blueprint::internal
