#include "cloudflow/pubsub/record_limit.hpp"
#include "cloudflow/pubsub/secret_properties.hpp"

#include <gtest/gtest.h>

namespace cloudflow::pubsub {
namespace {

TEST(secret_properties, are_passwords_tokens_and_keys_and_neither_files_nor_addresses) {
  for (const auto* secret : {"sasl.password", "ssl.key.password", "sasl.jaas.config",
                             "sasl.oauthbearer.client.secret", "sasl.oauthbearer.config",
                             "ssl.keystore.key", "ssl.keystore.password", "ssl.key.pem", "token"})
    EXPECT_TRUE(is_secret_property(secret)) << secret;
  for (const auto* open :
       {"acks", "bootstrap.servers", "sasl.username", "sasl.password.location", "ssl.ca.location",
        "ssl.key.location", "sasl.oauthbearer.token.endpoint.url"})
    EXPECT_FALSE(is_secret_property(open)) << open;
}

TEST(record_limit, is_what_a_batch_with_one_record_has_room_for) {
  const auto limit = [](const std::string& bytes) {
    return record_limit_of({.name = "t", .properties = {{"max.message.bytes", bytes}}});
  };
  EXPECT_EQ(limit("1048588"), 1048588u - 128u);
  EXPECT_EQ(limit("129"), 1u);
  EXPECT_EQ(limit("128"), 0u);
  EXPECT_EQ(limit("0"), 0u);
  EXPECT_EQ(limit("many"), std::numeric_limits<std::size_t>::max());
  EXPECT_EQ(record_limit_of({.name = "t"}), std::numeric_limits<std::size_t>::max());
}

}  // namespace
}  // namespace cloudflow::pubsub
