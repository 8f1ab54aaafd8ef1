/// Properties as users write them, for librdkafka or for Kafka's Java client, in the words of
/// librdkafka.
#pragma once

#include "cloudflow/pubsub/kafka/internal/client.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace cloudflow::pubsub::kafka {

/// Ours, beside those of librdkafka: files whose text is the password, the token of OAUTHBEARER.
/// They may change while the session is open.
inline constexpr std::string_view password_location = "sasl.password.location";
inline constexpr std::string_view token_location = "sasl.oauthbearer.token.location";

struct translation {
  property_map properties;           ///< by librdkafka's names, and ours
  std::vector<std::string> ignored;  ///< properties that only mean something on a JVM
};

/// Understands the names of both; a name that neither knows is left as it is. Errors
/// (`unsupported`) of what cannot be translated: a trust store in a format of Java's, a login
/// module that is not built in.
result<translation> translate(const property_map& given);

/// Sets one property of librdkafka. The error names the property, what is wrong, and, where the
/// name is not known, the one that was meant.
result<void> set_property(rd_kafka_conf_t* conf, const std::string& name, const std::string& value);

}  // namespace cloudflow::pubsub::kafka
