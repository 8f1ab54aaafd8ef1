#include "cloudflow/blueprint/application.hpp"

#include "cloudflow/blueprint/names.hpp"

#include <utility>

namespace cloudflow::blueprint {

application make_application(std::string_view name, std::string version,
                             verified_blueprint blueprint) {
  return {
      .id = to_dns_label(name), .version = std::move(version), .blueprint = std::move(blueprint)};
}

}  // namespace cloudflow::blueprint
