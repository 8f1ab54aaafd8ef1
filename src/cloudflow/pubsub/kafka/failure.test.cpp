#include "cloudflow/pubsub/kafka/internal/failure.hpp"

#include <gtest/gtest.h>

namespace cloudflow::pubsub::kafka {
namespace {

constexpr auto transport = RD_KAFKA_RESP_ERR__TRANSPORT;
constexpr auto not_known_to_us = RD_KAFKA_RESP_ERR_INVALID_TXN_STATE;
constexpr auto topic_denied = RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;

errc said(rd_kafka_resp_err_t code, bool is_retriable, bool is_fatal) {
  return code_of(
      failure{.code = code, .text = {}, .is_retriable = is_retriable, .is_fatal = is_fatal});
}

TEST(failure, of_a_code_alone_is_what_that_code_means) {
  EXPECT_EQ(code_of(failure_of(transport)), errc::unavailable);
  EXPECT_EQ(code_of(failure_of(not_known_to_us)), errc::failed);
  EXPECT_EQ(code_of(failure_of(topic_denied)), errc::denied);
  EXPECT_EQ(code_of(failure_of(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)), errc::topic_not_found);
  EXPECT_EQ(code_of(failure_of(RD_KAFKA_RESP_ERR_PRODUCER_FENCED)), errc::fenced);
}

TEST(failure, that_passes_is_unavailable_whatever_its_code) {
  for (const auto code : {transport, not_known_to_us, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART})
    EXPECT_EQ(said(code, true, false), errc::unavailable) << rd_kafka_err2name(code);
}

TEST(failure, that_is_fatal_ends_the_session_and_is_not_tried_again) {
  for (const bool is_retriable : {false, true}) {
    EXPECT_EQ(said(transport, is_retriable, true), errc::session_failed);
    EXPECT_EQ(said(RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION, is_retriable, true),
              errc::session_failed);
    EXPECT_EQ(said(topic_denied, is_retriable, true), errc::session_denied);
    EXPECT_EQ(said(RD_KAFKA_RESP_ERR__FENCED, is_retriable, true), errc::fenced);
  }
}

TEST(failure, of_a_member_that_was_put_out_is_a_rebalance) {
  for (const bool is_fatal : {false, true})
    EXPECT_EQ(said(RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, false, is_fatal), errc::rebalanced);
}

TEST(failure, of_bytes_that_arrive_damaged_leaves_the_session_as_it_is) {
  EXPECT_EQ(code_of(failure_of(RD_KAFKA_RESP_ERR__BAD_MSG)), errc::failed);
}

TEST(failure, by_another_owner_ends_the_session_also_where_the_library_would_go_on) {
  const error_handle fenced{rd_kafka_error_new(RD_KAFKA_RESP_ERR__FENCED, "fenced")};
  EXPECT_TRUE(failure_of(fenced.get()).is_fatal);
}

}  // namespace
}  // namespace cloudflow::pubsub::kafka
