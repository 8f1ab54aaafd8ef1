/// What librdkafka says when it cannot, in the words of pubsub::error.
#pragma once

#include "cloudflow/pubsub/error.hpp"
#include "cloudflow/pubsub/kafka/internal/handles.hpp"

#include <string>
#include <string_view>

namespace cloudflow::pubsub::kafka {

/// A failure of one call: librdkafka's error, taken apart.
struct failure {
  rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
  std::string text;  ///< what librdkafka or the broker says; may be empty
  bool is_retriable = false;
  bool is_fatal = false;  ///< the handle is of no use any more; then nothing is tried again
};

/// `e` is not null.
failure failure_of(const rd_kafka_error_t* e);
/// As the protocol says of this code.
failure failure_of(rd_kafka_resp_err_t code, std::string text = {});

/// Codes of a group whose members have changed: what was processed meanwhile belongs to somebody
/// else.
bool is_rebalance(rd_kafka_resp_err_t code) noexcept;

/// What it means by itself.
errc code_of(rd_kafka_resp_err_t code) noexcept;
/// What librdkafka says of this failure comes before what its code means: one that is fatal ends
/// the session, one that passes is `unavailable`.
errc code_of(const failure& what) noexcept;
/// Of a session that ends because of `why`.
errc end_of_session(errc why) noexcept;

/// `<where>: <doing>: <cause>; <what to check>`. `doing` says what was tried, with topic, partition
/// or group: `cannot commit for group "g"`. The text of the cause is librdkafka's; it knows no
/// secrets.
error error_of(std::string_view where, std::string_view doing, const failure& what);

}  // namespace cloudflow::pubsub::kafka
