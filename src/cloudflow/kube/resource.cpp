#include "cloudflow/kube/resource.hpp"

#include "cloudflow/base/ascii.hpp"

#include <fmt/format.h>

#include <iterator>

namespace cloudflow::kube {

namespace {

/// What is not `unreserved` (RFC 3986, 2.3) as %XX: a name can be no other path.
std::string encoded(std::string_view text) {
  constexpr std::string_view unreserved = "-._~";
  std::string out;
  for (const char c : text) {
    const bool is_letter = to_lower(c) >= 'a' && to_lower(c) <= 'z';
    if (is_letter || is_digit(c) || unreserved.find(c) != unreserved.npos) {
      out += c;
    } else {
      fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace

std::string collection_path(const resource& of, std::string_view name_space) {
  auto path = of.group.empty() ? fmt::format("/api/{}", of.version)
                               : fmt::format("/apis/{}/{}", of.group, of.version);
  if (of.is_namespaced && !name_space.empty())
    path += fmt::format("/namespaces/{}", encoded(name_space));
  return path + "/" + of.plural;
}

std::string object_path(const resource& of, const object_key& key, std::string_view subresource) {
  auto path = fmt::format("{}/{}", collection_path(of, key.name_space), encoded(key.name));
  if (!subresource.empty()) path += fmt::format("/{}", subresource);
  return path;
}

std::string query_of(std::initializer_list<std::pair<std::string_view, std::string_view>> values) {
  std::string out;
  for (const auto& [name, value] : values)
    if (!value.empty())
      fmt::format_to(std::back_inserter(out), "{}{}={}", out.empty() ? '?' : '&', name,
                     encoded(value));
  return out;
}

}  // namespace cloudflow::kube
