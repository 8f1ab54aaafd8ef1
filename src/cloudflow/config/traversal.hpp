/// In which order the fields of an object are resolved. Internal to config.
#pragma once

#include "cloudflow/config/node.hpp"

#include <vector>

namespace cloudflow::config::detail {

/// The fields in the order of a java.util.HashMap, which is the one the reference implementation
/// resolves them in.
///
/// It matters where optional substitutions run in a circle: the value that is resolved first gets
/// nothing from the others, and they get all of it. No order is better than another; this one gives
/// the values that documents written for the reference implementation have always had. Borrows the
/// fields.
std::vector<const field*> in_resolution_order(const field_list& fields);

}  // namespace cloudflow::config::detail
