#pragma once

#include "cloudflow/pubsub/kafka/internal/connection.hpp"
#include "cloudflow/pubsub/topic.hpp"

#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace cloudflow::pubsub::kafka {

/// A client and the connection that it needs, kept together by everything that borrows from them:
/// batches of records outlive their consumer and the session. Immutable.
struct shared_client {
  shared_client(std::shared_ptr<connection> through, owned_client opened)
    : session(std::move(through)), handle(std::move(opened)) {}

  rd_kafka_t* get() const noexcept { return handle->get(); }

  const std::shared_ptr<connection> session;
  const owned_client handle;
};

inline result<std::shared_ptr<shared_client>> open_shared(
    const std::shared_ptr<connection>& session, const client_spec& spec) {
  auto opened = CLOUDFLOW_TRY(session->open_client(spec));
  return std::make_shared<shared_client>(session, std::move(opened));
}

inline list_handle list_of(const std::vector<topic_partition>& sources) {
  list_handle list{rd_kafka_topic_partition_list_new(static_cast<int>(sources.size()))};
  for (const auto& source : sources)
    rd_kafka_topic_partition_list_add(list.get(), source.topic.c_str(), source.partition.value());
  return list;
}

/// `waker` outlives the queue, or the call that ends it: rd_kafka_queue_cb_event_enable(queue,
/// nullptr, nullptr). It is called under a lock of librdkafka.
inline void wake_by(rd_kafka_queue_t& queue, const std::function<void()>& waker) {
  rd_kafka_queue_cb_event_enable(
      &queue, [](rd_kafka_t*, void* to) { (*static_cast<const std::function<void()>*>(to))(); },
      const_cast<void*>(static_cast<const void*>(&waker)));
}

}  // namespace cloudflow::pubsub::kafka
