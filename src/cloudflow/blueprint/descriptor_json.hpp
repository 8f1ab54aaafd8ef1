/// Descriptors as JSON: the format of Cloudflow 2.3 and fields that its readers ignore.
#pragma once

#include "cloudflow/base/error.hpp"
#include "cloudflow/base/result.hpp"
#include "cloudflow/blueprint/descriptor.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflow::blueprint {

/// One descriptor as compact JSON. Labels are sorted, parameters by key, and ports of all but
/// native streamlets by name, as 2.3 does. Our own fields (`key` of a port, `secret`, `live` and
/// `has_default` of a parameter, `states`) are left out where they say nothing.
std::string to_json(const streamlet_descriptor& descriptor);
/// An array of them, in the order given.
std::string to_json(std::span<const streamlet_descriptor> descriptors);

/// Reads one descriptor. Unknown fields are ignored; those that 2.3 demands must be there. The
/// error names the class and the path of the field (`outlets[0].schema.fingerprint`).
result<streamlet_descriptor> descriptor_from_json(std::string_view text);
/// Reads an array of descriptors, or a single one.
result<std::vector<streamlet_descriptor>> descriptors_from_json(std::string_view text);

}  // namespace cloudflow::blueprint
