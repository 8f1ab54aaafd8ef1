/// The value of `sasl.jaas.config`: who logs in, as Kafka's Java client is told.
#pragma once

#include "cloudflow/base/result.hpp"

#include <map>
#include <string>
#include <string_view>

namespace cloudflow::pubsub::kafka {

struct jaas_entry {
  std::string login_module;                    ///< without its package: `ScramLoginModule`
  std::map<std::string, std::string> options;  ///< `username`, `password`, `clientId` ...
};

/// `<class> required <name>="<value>" ...;`. The error says what is wrong and quotes nothing of the
/// text, which has secrets.
cloudflow::result<jaas_entry> parse_jaas(std::string_view text);

}  // namespace cloudflow::pubsub::kafka
