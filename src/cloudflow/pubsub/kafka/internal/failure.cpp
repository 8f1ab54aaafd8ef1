#include "cloudflow/pubsub/kafka/internal/failure.hpp"

#include <fmt/format.h>

namespace cloudflow::pubsub::kafka {

namespace {

// The same request may succeed a moment later: leaders, coordinators and connections come back.
bool passes(rd_kafka_resp_err_t code) noexcept {
  switch (code) {
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
    case RD_KAFKA_RESP_ERR__WAIT_COORD:
    case RD_KAFKA_RESP_ERR__WAIT_CACHE:
    case RD_KAFKA_RESP_ERR__IN_PROGRESS:
    case RD_KAFKA_RESP_ERR__PREV_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR__QUEUE_FULL:
    case RD_KAFKA_RESP_ERR__RETRY:
    case RD_KAFKA_RESP_ERR__OUTDATED:
    case RD_KAFKA_RESP_ERR__DESTROY_BROKER:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
    case RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION:
    case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
    case RD_KAFKA_RESP_ERR_NOT_CONTROLLER:
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS:
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND:
    case RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS:
    case RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR:
    case RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH:
    case RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH:
    case RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_PREFERRED_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT:
    case RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED:
    case RD_KAFKA_RESP_ERR_STALE_BROKER_EPOCH: return true;
    default: return false;  // of two hundred codes
  }
}

bool is_fenced(rd_kafka_resp_err_t code) noexcept {
  return code == RD_KAFKA_RESP_ERR__FENCED || code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
         code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
}

/// What a person can do about it; empty where the cause says it all.
std::string_view advice_for(rd_kafka_resp_err_t code) noexcept {
  switch (code) {
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
      return "check the ACLs of the topic for this user (read, write, describe, create)";
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
      return "check the ACLs of the group for this user (read)";
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
      return "check the ACLs of the cluster for this user (create, idempotent write)";
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
      return "check the ACLs of the transactional id for this user (write, describe)";
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
      return "ask for no more copies than there are brokers";
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS:
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND:
      return "check which brokers are away, and min.insync.replicas of the topic";
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
      return "check that the brokers are up and can be reached";
    default: return "";
  }
}

}  // namespace

failure failure_of(const rd_kafka_error_t* e) {
  const auto code = rd_kafka_error_code(e);
  return {.code = code,
          .text = rd_kafka_error_string(e),
          .is_retriable = rd_kafka_error_is_retriable(e) != 0 || passes(code),
          .is_fatal = rd_kafka_error_is_fatal(e) != 0 || is_fenced(code)};
}

failure failure_of(rd_kafka_resp_err_t code, std::string text) {
  return {.code = code,
          .text = text.empty() ? rd_kafka_err2str(code) : std::move(text),
          .is_retriable = passes(code),
          .is_fatal = is_fenced(code)};
}

bool is_rebalance(rd_kafka_resp_err_t code) noexcept {
  return code == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION ||
         code == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID ||
         code == RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS ||
         code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID ||
         code == RD_KAFKA_RESP_ERR_FENCED_MEMBER_EPOCH ||
         code == RD_KAFKA_RESP_ERR_STALE_MEMBER_EPOCH || code == RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST;
}

errc code_of(rd_kafka_resp_err_t code) noexcept {
  if (is_rebalance(code)) return errc::rebalanced;
  if (is_fenced(code)) return errc::fenced;
  switch (code) {
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_ID: return errc::topic_not_found;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE: return errc::offset_out_of_range;
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE: return errc::record_too_large;
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR__SSL:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED: return errc::denied;
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
    case RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_ASSIGNOR:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_COMPRESSION_TYPE:
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
    case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
    case RD_KAFKA_RESP_ERR_INVALID_PARTITIONS:
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION: return errc::unsupported;
    // Whatever else goes on inside of a cluster. Bytes that arrive damaged are no errc::corrupt,
    // which would end the session.
    default: return passes(code) ? errc::unavailable : errc::failed;
  }
}

errc code_of(const failure& what) noexcept {
  const auto code = code_of(what.code);
  // A member that its group has put out joins anew by itself; no producer has to be replaced.
  if (code == errc::fenced || code == errc::rebalanced) return code;
  if (what.is_fatal) return end_of_session(code);
  return what.is_retriable ? errc::unavailable : code;
}

errc end_of_session(errc why) noexcept {
  return why == errc::denied ? errc::session_denied : errc::session_failed;
}

error error_of(std::string_view where, std::string_view doing, const failure& what) {
  auto message = fmt::format("{}: {}: {} ({})", where, doing,
                             what.text.empty() ? rd_kafka_err2str(what.code) : what.text.c_str(),
                             rd_kafka_err2name(what.code));
  if (const auto advice = advice_for(what.code); !advice.empty())
    message.append("; ").append(advice);
  return {code_of(what), std::move(message)};
}

}  // namespace cloudflow::pubsub::kafka
