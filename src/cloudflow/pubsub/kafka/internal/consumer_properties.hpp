#pragma once

#include "cloudflow/pubsub/backend.hpp"
#include "cloudflow/pubsub/kafka/internal/client.hpp"

#include <cstdint>

namespace cloudflow::pubsub::kafka {

/// How members of a group share its partitions.
enum class group_protocol {
  consumer,  ///< KIP-848: the brokers decide; Kafka 4
  classic    ///< the members decide, cooperatively (KIP-429)
};

/// The client for a member of a group. `partitions`: how many the member may get; what it
/// prefetches is divided among them, so that the memory of a process does not grow with its topics.
client_spec spec_of(const consumer_options& wanted, group_protocol protocol,
                    std::int32_t partitions);

/// What the properties of the user, for this consumer or all of the session, ask for. Those that
/// only the classic protocol knows ask for it.
group_protocol asked_for(const property_map& of_consumer, const property_map& of_session);

}  // namespace cloudflow::pubsub::kafka
