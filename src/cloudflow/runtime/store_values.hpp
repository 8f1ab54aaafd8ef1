#pragma once

#include "cloudflow/application/store_registry.hpp"
#include "cloudflow/state/stored_values.hpp"

namespace cloudflow::runtime {

/// Opens a store (see app::open_store) and says how to read values of each schema that it has
/// known: they are resolved as records are. `writer` commits what is recorded. Errors: of
/// open_store; with what of the value's schema has changed where it cannot be resolved.
result<stores::stored_values> open_values(const pubsub::backend& log, pubsub::producer& writer,
                                          const app::store_spec& wanted);

}  // namespace cloudflow::runtime
