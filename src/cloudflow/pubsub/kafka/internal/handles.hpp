/// Owners of what librdkafka gives out.
#pragma once

#include <librdkafka/rdkafka.h>

#include <memory>

namespace cloudflow::pubsub::kafka {

/// Calls `Destroy`, which takes a pointer to T.
template <auto Destroy>
struct destroyer {
  template <class T>
  void operator()(T* p) const noexcept {
    Destroy(p);
  }
};
template <class T, auto Destroy>
using handle = std::unique_ptr<T, destroyer<Destroy>>;

using conf_handle = handle<rd_kafka_conf_t, rd_kafka_conf_destroy>;
using queue_handle = handle<rd_kafka_queue_t, rd_kafka_queue_destroy>;
using event_handle = handle<rd_kafka_event_t, rd_kafka_event_destroy>;
using error_handle = handle<rd_kafka_error_t, rd_kafka_error_destroy>;
using list_handle = handle<rd_kafka_topic_partition_list_t, rd_kafka_topic_partition_list_destroy>;
using topic_handle = handle<rd_kafka_topic_t, rd_kafka_topic_destroy>;
using message_handle = handle<rd_kafka_message_t, rd_kafka_message_destroy>;
using headers_handle = handle<rd_kafka_headers_t, rd_kafka_headers_destroy>;
using metadata_handle = handle<const rd_kafka_metadata_t, rd_kafka_metadata_destroy>;
using group_metadata_handle =
    handle<rd_kafka_consumer_group_metadata_t, rd_kafka_consumer_group_metadata_destroy>;
using collection_handle = handle<rd_kafka_TopicCollection_t, rd_kafka_TopicCollection_destroy>;
using new_partitions_handle = handle<rd_kafka_NewPartitions_t, rd_kafka_NewPartitions_destroy>;
using admin_options_handle = handle<rd_kafka_AdminOptions_t, rd_kafka_AdminOptions_destroy>;

}  // namespace cloudflow::pubsub::kafka
