#pragma once

#include "cloudflow/pubsub/kafka/internal/handles.hpp"
#include "cloudflow/pubsub/topic.hpp"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>

namespace cloudflow::pubsub::kafka {

/// A transaction by librdkafka alone, which stays open until a test ends it, or forgets it as a
/// crash does.
class transaction_by_hand {
public:
  transaction_by_hand(const std::string& brokers, const std::string& id) {
    auto* conf = rd_kafka_conf_new();
    std::array<char, 512> text{};
    for (const auto& [name, value] :
         {std::pair{"bootstrap.servers", brokers}, std::pair{"transactional.id", id}})
      rd_kafka_conf_set(conf, name, value.c_str(), text.data(), text.size());
    producer_.reset(rd_kafka_new(RD_KAFKA_PRODUCER, conf, text.data(), text.size()));
    expect_none(rd_kafka_init_transactions(producer_.get(), patience_ms));
    expect_none(rd_kafka_begin_transaction(producer_.get()));
  }

  /// To partition 0; it has arrived when this returns.
  void send(const std::string& topic, std::string_view key, std::string_view value) {
    EXPECT_EQ(rd_kafka_producev(
                  producer_.get(), RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(0),
                  RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key.data(), key.size()),
                  RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()), RD_KAFKA_V_END),
              RD_KAFKA_RESP_ERR_NO_ERROR);
    EXPECT_EQ(rd_kafka_flush(producer_.get(), patience_ms), RD_KAFKA_RESP_ERR_NO_ERROR);
  }
  void send_position(const std::string& group, const topic_partition& source, std::int64_t next) {
    const list_handle list{rd_kafka_topic_partition_list_new(1)};
    rd_kafka_topic_partition_list_add(list.get(), source.topic.c_str(), source.partition.value())
        ->offset = next;
    const group_metadata_handle nobody{rd_kafka_consumer_group_metadata_new(group.c_str())};
    expect_none(rd_kafka_send_offsets_to_transaction(producer_.get(), list.get(), nobody.get(),
                                                     patience_ms));
  }
  void commit() { expect_none(rd_kafka_commit_transaction(producer_.get(), patience_ms)); }
  void abort() { expect_none(rd_kafka_abort_transaction(producer_.get(), patience_ms)); }

private:
  static constexpr int patience_ms = 30'000;

  static void expect_none(rd_kafka_error_t* problem) {
    const error_handle owned{problem};
    EXPECT_EQ(problem, nullptr) << rd_kafka_error_string(problem);
  }

  handle<rd_kafka_t, rd_kafka_destroy> producer_;
};

}  // namespace cloudflow::pubsub::kafka
