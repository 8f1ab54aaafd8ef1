#include "cloudflow/pubsub/kafka/internal/topic_watch.hpp"

#include "cloudflow/pubsub/kafka/internal/failure.hpp"

#include <span>
#include <utility>

namespace cloudflow::pubsub::kafka {
namespace {

constexpr std::chrono::seconds between_questions{2};
constexpr int longest_answer_ms = 10'000;

}  // namespace

topic_watch::topic_watch(std::shared_ptr<shared_client> at, std::vector<std::string> topics,
                         std::chrono::nanoseconds now)
  : client_(std::move(at)),
    topics_(std::move(topics)),
    answers_(rd_kafka_queue_new(client_->get())),
    ask_at_(now + between_questions) {}

void topic_watch::suspect() noexcept {
  is_suspected_ = true;
  ask_at_ = std::chrono::nanoseconds{0};
}

void topic_watch::look(std::chrono::nanoseconds now, bool is_needed) {
  if (is_asked_) {
    const event_handle answer{rd_kafka_queue_poll(answers_.get(), 0)};
    if (!answer) return;
    is_asked_ = false;
    take(*answer);
  }
  if (now < ask_at_ || !(is_suspected_ || is_needed)) return;
  ask();
  ask_at_ = now + between_questions;
}

void topic_watch::ask() {
  std::vector<const char*> names;
  names.reserve(topics_.size());
  for (const auto& topic : topics_) names.push_back(topic.c_str());
  const collection_handle asked{
      rd_kafka_TopicCollection_of_topic_names(names.data(), names.size())};
  const admin_options_handle how{
      rd_kafka_AdminOptions_new(client_->get(), RD_KAFKA_ADMIN_OP_DESCRIBETOPICS)};
  rd_kafka_AdminOptions_set_request_timeout(how.get(), longest_answer_ms, nullptr, 0);
  rd_kafka_DescribeTopics(client_->get(), asked.get(), how.get(), answers_.get());
  is_asked_ = true;
}

/// An answer that says nothing of the topics changes nothing.
void topic_watch::take(rd_kafka_event_t& answer) {
  const auto* result = rd_kafka_event_DescribeTopics_result(&answer);
  if (result == nullptr || rd_kafka_event_error(&answer) != RD_KAFKA_RESP_ERR_NO_ERROR) return;
  std::size_t count = 0;
  const auto* const* topics = rd_kafka_DescribeTopics_result_topics(result, &count);
  missing_.clear();
  for (const auto* each : std::span{topics, count}) {
    const auto* problem = rd_kafka_TopicDescription_error(each);
    if (problem == nullptr || code_of(rd_kafka_error_code(problem)) != errc::topic_not_found)
      continue;
    missing_ = rd_kafka_TopicDescription_name(each);
    break;
  }
  is_suspected_ = !missing_.empty();
}

}  // namespace cloudflow::pubsub::kafka
