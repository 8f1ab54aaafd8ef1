#include "cloudflow/config/layers.hpp"

#include "cloudflow/config/path.hpp"

#include <optional>
#include <utility>

namespace cloudflow::config {

namespace {

/// Puts documents over each other as long as none has a problem.
class layering {
public:
  void add(cloudflow::result<document, std::vector<problem>> layer) {
    if (!layer) {
      for (auto& p : layer.error()) problems_.push_back(std::move(p));
    } else {
      top_ = top_ ? layer->over(*top_) : *layer;
    }
  }

  cloudflow::result<document, std::vector<problem>> take() && {
    if (!problems_.empty()) return std::move(problems_);
    if (!top_) return parse_text("", "no configuration");
    return std::move(*top_);
  }

private:
  std::optional<document> top_;
  std::vector<problem> problems_;
};

using paths = std::vector<detail::key_path>;

/// HOCON has no `*` outside quotes; the key `"*"` stands for any as well.
std::string with_quoted_stars(std::string_view path) {
  std::string out;
  bool in_quotes = false;
  for (const char c : path) {
    if (c == '"') in_quotes = !in_quotes;
    out += c == '*' && !in_quotes ? std::string{"\"*\""} : std::string(1, c);
  }
  return out;
}

/// What is left of the paths below `key`.
paths below(const paths& all, std::string_view key) {
  paths out;
  for (const auto& path : all) {
    if (path.front() == key || path.front() == "*") out.emplace_back(path.begin() + 1, path.end());
  }
  return out;
}

bool ends_here(const paths& all) {
  for (const auto& path : all) {
    if (path.empty()) return true;
  }
  return false;
}

value masked(const value& v, const paths& secrets) {
  if (secrets.empty()) return v;
  if (ends_here(secrets)) return {std::string{mask}, v.where()};
  if (const auto* items = v.as_list()) {
    value::list out;
    for (const auto& item : *items) out.push_back(masked(item, secrets));
    return {std::move(out), v.where()};
  }
  const auto* members = v.as_object();
  if (members == nullptr) return v;
  value::object out;
  for (const auto& m : *members) {
    out.push_back({m.key, m.where, masked(m.content, below(secrets, m.key))});
  }
  return {std::move(out), v.where()};
}

}  // namespace

cloudflow::result<document, std::vector<problem>> load_layers(
    std::span<const std::string> files, std::span<const std::string> assignments) {
  layering all;
  for (const auto& file : files) all.add(parse_file(file));
  for (const auto& assignment : assignments) all.add(parse_assignment(assignment));
  return std::move(all).take();
}

value redact(const value& v, std::span<const std::string> secret_paths) {
  paths secrets;
  for (const auto& text : secret_paths) {
    auto keys = detail::parse_path(with_quoted_stars(text), {});
    secrets.push_back(keys ? std::move(*keys) : detail::key_path{});
  }
  return masked(v, secrets);
}

}  // namespace cloudflow::config
