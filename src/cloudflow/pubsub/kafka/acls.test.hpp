/// Takes rights from the user `app` of a broker, and gives them back.
#pragma once

#include "cloudflow/pubsub/kafka/internal/handles.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>

namespace cloudflow::pubsub::kafka {

/// What is denied while this lives. Where `operation` on a resource is denied, nothing else of it
/// is.
class denial {
public:
  /// `address`: of the listener plaintext.
  denial(const std::string& address, rd_kafka_ResourceType_t type, const std::string& name,
         rd_kafka_AclOperation_t operation)
    : type_(type), name_(name), operation_(operation) {
    std::array<char, 512> text{};
    auto* conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", address.c_str(), nullptr, 0);
    rd_kafka_conf_set(conf, "log_level", "0", nullptr, 0);
    rk_.reset(rd_kafka_new(RD_KAFKA_PRODUCER, conf, text.data(), text.size()));
    queue_.reset(rd_kafka_queue_new(rk_.get()));
    handle<rd_kafka_AclBinding_t, rd_kafka_AclBinding_destroy> one{rd_kafka_AclBinding_new(
        type_, name_.c_str(), RD_KAFKA_RESOURCE_PATTERN_LITERAL, "User:app", "*", operation_,
        RD_KAFKA_ACL_PERMISSION_TYPE_DENY, text.data(), text.size())};
    auto* denied = one.get();
    rd_kafka_CreateAcls(rk_.get(), &denied, 1, nullptr, queue_.get());
    expect_answer();
  }
  denial(const denial&) = delete;
  denial& operator=(const denial&) = delete;
  ~denial() {
    std::array<char, 512> text{};
    handle<rd_kafka_AclBindingFilter_t, rd_kafka_AclBinding_destroy> one{
        rd_kafka_AclBindingFilter_new(type_, name_.c_str(), RD_KAFKA_RESOURCE_PATTERN_LITERAL,
                                      "User:app", "*", operation_,
                                      RD_KAFKA_ACL_PERMISSION_TYPE_DENY, text.data(), text.size())};
    auto* denied = one.get();
    rd_kafka_DeleteAcls(rk_.get(), &denied, 1, nullptr, queue_.get());
    expect_answer();
  }

private:
  void expect_answer() const {
    constexpr int patience_ms = 30'000;
    const event_handle answer{rd_kafka_queue_poll(queue_.get(), patience_ms)};
    ASSERT_TRUE(answer) << "no answer about ACLs";
    EXPECT_EQ(rd_kafka_event_error(answer.get()), RD_KAFKA_RESP_ERR_NO_ERROR)
        << rd_kafka_event_error_string(answer.get());
  }

  const rd_kafka_ResourceType_t type_;
  const std::string name_;
  const rd_kafka_AclOperation_t operation_;
  handle<rd_kafka_t, rd_kafka_destroy> rk_;
  queue_handle queue_;
};

}  // namespace cloudflow::pubsub::kafka
