/// A verified blueprint with a name and a version: the application.
#pragma once

#include "cloudflow/blueprint/verify.hpp"

#include <string>
#include <string_view>

namespace cloudflow::blueprint {

struct application {
  std::string id;  ///< a DNS label; see `make_application`
  std::string version;
  verified_blueprint blueprint;
};

/// `name` becomes the id by `to_dns_label`.
application make_application(std::string_view name, std::string version,
                             verified_blueprint blueprint);

}  // namespace cloudflow::blueprint
