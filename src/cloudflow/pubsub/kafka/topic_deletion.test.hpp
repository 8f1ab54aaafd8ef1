#pragma once

#include "cloudflow/pubsub/kafka/internal/handles.hpp"
#include "cloudflow/pubsub/kafka/session_fixture.test.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace cloudflow::pubsub::kafka {

namespace deletion {

constexpr int patience_ms = 30'000;

inline handle<rd_kafka_t, rd_kafka_destroy> open_client() {
  auto* conf = rd_kafka_conf_new();
  std::array<char, 512> text{};
  rd_kafka_conf_set(conf, "bootstrap.servers", shared_broker().c_str(), text.data(), text.size());
  return handle<rd_kafka_t, rd_kafka_destroy>{
      rd_kafka_new(RD_KAFKA_PRODUCER, conf, text.data(), text.size())};
}

}  // namespace deletion

/// Deletes a topic of the shared broker as somebody else does; its name is free when this returns.
inline void delete_topic(const backend& log, const std::string& topic) {
  const auto client = deletion::open_client();
  const queue_handle answers{rd_kafka_queue_new(client.get())};
  const handle<rd_kafka_DeleteTopic_t, rd_kafka_DeleteTopic_destroy> request{
      rd_kafka_DeleteTopic_new(topic.c_str())};
  auto* one = request.get();
  rd_kafka_DeleteTopics(client.get(), &one, 1, nullptr, answers.get());
  const event_handle answer{rd_kafka_queue_poll(answers.get(), deletion::patience_ms)};
  ASSERT_NE(answer, nullptr);
  std::size_t count = 0;
  const auto* const* deleted =
      rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(answer.get()), &count);
  ASSERT_EQ(count, 1u);
  ASSERT_EQ(rd_kafka_topic_result_error(deleted[0]), RD_KAFKA_RESP_ERR_NO_ERROR);
  ASSERT_TRUE(eventually([&] {
    const auto found = log.topic(topic);
    return !found && found.error().code == errc::topic_not_found;
  }));
}

/// Deletes a group that nobody reads for, with its positions.
inline void delete_group(const std::string& group) {
  const auto client = deletion::open_client();
  const queue_handle answers{rd_kafka_queue_new(client.get())};
  const handle<rd_kafka_DeleteGroup_t, rd_kafka_DeleteGroup_destroy> request{
      rd_kafka_DeleteGroup_new(group.c_str())};
  auto* one = request.get();
  rd_kafka_DeleteGroups(client.get(), &one, 1, nullptr, answers.get());
  const event_handle answer{rd_kafka_queue_poll(answers.get(), deletion::patience_ms)};
  ASSERT_NE(answer, nullptr);
  std::size_t count = 0;
  const auto* const* deleted =
      rd_kafka_DeleteGroups_result_groups(rd_kafka_event_DeleteGroups_result(answer.get()), &count);
  ASSERT_EQ(count, 1u);
  ASSERT_EQ(rd_kafka_group_result_error(deleted[0]), nullptr);
}

}  // namespace cloudflow::pubsub::kafka
