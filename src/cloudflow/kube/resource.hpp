#pragma once

#include "cloudflow/kube/object.hpp"

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace cloudflow::kube {

/// A kind of object, as the API has it in its paths. A value.
struct resource {
  std::string group;    ///< `apps`; empty: the core's
  std::string version;  ///< `v1`
  std::string plural;   ///< `deployments`
  bool is_namespaced = true;

  /// `apps/v1`, as objects say it.
  std::string api_version() const { return group.empty() ? version : group + "/" + version; }

  bool operator==(const resource&) const = default;
};

/// The path of all objects of a resource, in a namespace; an empty one: in all of them.
std::string collection_path(const resource& of, std::string_view name_space);
/// The path of one object, or of a part of it, such as `status`.
/// @pre the key has a namespace if the resource has
std::string object_path(const resource& of, const object_key& key,
                        std::string_view subresource = {});

/// `?a=1&b=x%2Cy`, without those that have no value; empty if there is none.
std::string query_of(std::initializer_list<std::pair<std::string_view, std::string_view>> values);

}  // namespace cloudflow::kube
