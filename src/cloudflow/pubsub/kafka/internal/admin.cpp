#include "cloudflow/pubsub/kafka/internal/admin.hpp"

#include "cloudflow/pubsub/kafka/internal/answer_deadline.hpp"
#include "cloudflow/pubsub/kafka/internal/connection.hpp"
#include "cloudflow/pubsub/kafka/internal/deadline.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace cloudflow::pubsub::kafka {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds request_patience{15'000};
/// The same for what only asks: by another client each time. librdkafka (2.14) waits for the broker
/// that it takes for the controller, also when that has left the cluster.
constexpr std::array<milliseconds, 3> patience_of_questions{milliseconds{3000}, milliseconds{5000},
                                                            milliseconds{7000}};
constexpr milliseconds creation_patience{10'000};

const client_spec handle_of_requests = {
    .role = client_role::admin,
    .name = "requests",
    .required = {{"acks", "all"}, {"message.timeout.ms", "15000"}, {"linger.ms", "0"}},
    .is_internal = true,
    .configure = [](rd_kafka_conf_t* conf) {
      rd_kafka_conf_set_dr_msg_cb(conf, admin::delivered);
    }};

using new_topic_handle = handle<rd_kafka_NewTopic_t, rd_kafka_NewTopic_destroy>;
using resource_handle = handle<rd_kafka_ConfigResource_t, rd_kafka_ConfigResource_destroy>;

bool has_leader(const rd_kafka_TopicPartitionInfo_t* partition) {
  return rd_kafka_TopicPartitionInfo_leader(partition) != nullptr;
}

topic_facts facts_of(const rd_kafka_TopicDescription_t* of) {
  std::size_t count = 0;
  const auto* const* partitions = rd_kafka_TopicDescription_partitions(of, &count);
  const auto* id = rd_kafka_Uuid_base64str(rd_kafka_TopicDescription_topic_id(of));
  return {.name = rd_kafka_TopicDescription_name(of),
          .id = id != nullptr ? id : "",
          .partitions = static_cast<std::int32_t>(count),
          .is_ready = count != 0 && std::all_of(partitions, partitions + count, has_leader)};
}

topic_properties properties_of(const rd_kafka_ConfigResource_t* topic) {
  topic_properties found;
  std::size_t count = 0;
  const auto* const* entries = rd_kafka_ConfigResource_configs(topic, &count);
  for (const auto* entry : std::span{entries, count}) {
    const auto* value = rd_kafka_ConfigEntry_value(entry);
    found[rd_kafka_ConfigEntry_name(entry)] = {
        value != nullptr ? value : "",
        rd_kafka_ConfigEntry_source(entry) == RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG};
  }
  return found;
}

bool is_question(rd_kafka_admin_op_t what) noexcept {
  return what == RD_KAFKA_ADMIN_OP_DESCRIBETOPICS || what == RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS ||
         what == RD_KAFKA_ADMIN_OP_LISTOFFSETS ||
         what == RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS ||
         what == RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS;
}

error not_found(std::string_view where, std::string_view topic) {
  return {errc::topic_not_found, fmt::format("{}: there is no topic \"{}\"", where, topic)};
}

}  // namespace

// -- the handle -----------------------------------------------------------------------------------

result<std::shared_ptr<client>> admin::current() const {
  const std::lock_guard lock{mutex_};
  if (client_ && !client_->is_outdated()) return client_;
  client_ = CLOUDFLOW_TRY(session_->open_client(handle_of_requests));
  return client_;
}

result<void> admin::connect(milliseconds patience) {
  const answer_deadline until{*session_, patience};
  const auto opened = CLOUDFLOW_TRY(current());
  auto* rk = opened->get();
  while (true) {
    const rd_kafka_metadata_t* metadata = nullptr;
    const auto answer = rd_kafka_metadata(rk, 0, nullptr, &metadata, 200);
    const metadata_handle owned{metadata};
    rd_kafka_poll(rk, 0);
    if (answer == RD_KAFKA_RESP_ERR_NO_ERROR && metadata->broker_cnt != 0) break;
    const auto told = session_->heard().told();
    const auto is_hopeless = told && told->code == errc::denied;
    if (is_hopeless || until.is_over()) return opened->fail("cannot connect", failure_of(answer));
  }
  session_->heard().forget();
  return {};
}

void admin::serve(milliseconds patience) const {
  if (const auto opened = current())
    rd_kafka_poll(opened.value()->get(), static_cast<int>(patience.count()));
}

void admin::stop_serving() const {
  const auto opened = current();
  if (!opened) return;
  const queue_handle served{rd_kafka_queue_get_main(opened.value()->get())};
  rd_kafka_queue_yield(served.get());
}

result<event_handle> admin::request(rd_kafka_admin_op_t what, std::string_view doing,
                                    const ask& send, const prepare& with) const {
  std::span<const milliseconds> tries{&request_patience, 1};
  if (is_question(what)) tries = patience_of_questions;
  while (true) {
    const auto opened = CLOUDFLOW_TRY(current());
    auto answer = request_once(what, *opened, tries.front(), send, with);
    tries = tries.subspan(1);
    if (!answer) abandon(opened);
    if (!answer && !tries.empty() && !session_->must_stop()) continue;
    if (!answer) return opened->fail(doing, RD_KAFKA_RESP_ERR__TIMED_OUT);
    const auto code = rd_kafka_event_error(answer.get());
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
      return opened->fail(doing, failure_of(code, rd_kafka_event_error_string(answer.get())));
    session_->heard().forget();
    return answer;
  }
}

/// Null: there is none in time.
event_handle admin::request_once(rd_kafka_admin_op_t what, const client& by, milliseconds patience,
                                 const ask& send, const prepare& with) const {
  const queue_handle answers{rd_kafka_queue_new(by.get())};
  const admin_options_handle how{rd_kafka_AdminOptions_new(by.get(), what)};
  // We lose patience, not librdkafka: it would use what it has freed when a coordinator comes back
  // after its own time-out (its issue 4605).
  rd_kafka_AdminOptions_set_request_timeout(
      how.get(), static_cast<int>(4 * request_patience.count()), nullptr, 0);
  if (with) with(how.get());
  send(by.get(), how.get(), answers.get());
  const answer_deadline until{*session_, patience};
  while (!until.is_over())
    if (event_handle answer{
            rd_kafka_queue_poll(answers.get(), static_cast<int>(until.step().count()))})
      return answer;
  return {};
}

/// With a handle, what it still waits for is forgotten.
void admin::abandon(const std::shared_ptr<client>& used) const {
  const std::lock_guard lock{mutex_};
  if (client_ == used) client_.reset();
}

// -- topics ---------------------------------------------------------------------------------------

result<std::vector<topic_facts>> admin::describe(std::span<const std::string> names) const {
  std::vector<topic_facts> found;
  if (names.empty()) return found;
  std::vector<const char*> all;
  for (const auto& name : names) all.push_back(name.c_str());
  const collection_handle topics{rd_kafka_TopicCollection_of_topic_names(all.data(), all.size())};
  const auto doing = fmt::format("cannot describe topic \"{}\"{}", names.front(),
                                 names.size() == 1 ? "" : " and others");
  const auto answer = CLOUDFLOW_TRY(request(
      RD_KAFKA_ADMIN_OP_DESCRIBETOPICS, doing,
      [&](auto* rk, auto* how, auto* to) { rd_kafka_DescribeTopics(rk, topics.get(), how, to); }));
  std::size_t count = 0;
  const auto* const* described = rd_kafka_DescribeTopics_result_topics(
      rd_kafka_event_DescribeTopics_result(answer.get()), &count);
  for (const auto* each : std::span{described, count}) {
    const auto* problem = rd_kafka_TopicDescription_error(each);
    const auto code =
        problem != nullptr ? rd_kafka_error_code(problem) : RD_KAFKA_RESP_ERR_NO_ERROR;
    if (code_of(code) == errc::topic_not_found) continue;
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
      return error_of(
          session_->where(),
          fmt::format("cannot describe topic \"{}\"", rd_kafka_TopicDescription_name(each)),
          failure_of(problem));
    found.push_back(facts_of(each));
  }
  return found;
}

result<topic_facts> admin::describe(const std::string& name) const {
  auto found = CLOUDFLOW_TRY(describe(std::span{&name, 1}));
  if (found.empty()) return not_found(session_->where(), name);
  return std::move(found.front());
}

result<void> admin::check(std::span<const rd_kafka_topic_result_t* const> outcomes,
                          std::string_view doing, rd_kafka_resp_err_t no_failure) const {
  for (const auto* each : outcomes) {
    const auto code = rd_kafka_topic_result_error(each);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR || code == no_failure) continue;
    const auto* said = rd_kafka_topic_result_error_string(each);
    return error_of(session_->where(), doing, failure_of(code, said != nullptr ? said : ""));
  }
  return {};
}

result<void> admin::create(const topic_spec& wanted) const {
  const auto doing = fmt::format("cannot create topic \"{}\"", wanted.name);
  std::array<char, 512> text{};
  const int copies = wanted.replication > 0 ? wanted.replication : -1;  // -1: the cluster's default
  new_topic_handle topic{rd_kafka_NewTopic_new(wanted.name.c_str(), wanted.partitions, copies,
                                               text.data(), text.size())};
  if (!topic)
    return error{errc::unsupported,
                 fmt::format("{}: {}: {}", session_->where(), doing, text.data())};
  for (const auto& [name, value] : wanted.properties)
    rd_kafka_NewTopic_set_config(topic.get(), name.c_str(), value.c_str());
  auto* one = topic.get();
  const auto answer = CLOUDFLOW_TRY(request(
      RD_KAFKA_ADMIN_OP_CREATETOPICS, doing,
      [&](auto* rk, auto* how, auto* to) { rd_kafka_CreateTopics(rk, &one, 1, how, to); },
      [](auto* how) {
        rd_kafka_AdminOptions_set_operation_timeout(
            how, static_cast<int>(creation_patience.count()), nullptr, 0);
      }));
  std::size_t count = 0;
  const auto* const* made =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(answer.get()), &count);
  CLOUDFLOW_TRY(check({made, count}, doing, RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS));
  return wait_until_ready(wanted.name);
}

result<void> admin::grow(const std::string& name, std::int32_t partitions) const {
  const auto doing = fmt::format("cannot add partitions to topic \"{}\"", name);
  std::array<char, 512> text{};
  const new_partitions_handle topic{rd_kafka_NewPartitions_new(
      name.c_str(), static_cast<std::size_t>(partitions), text.data(), text.size())};
  if (!topic)
    return error{errc::unsupported,
                 fmt::format("{}: {}: {}", session_->where(), doing, text.data())};
  auto* one = topic.get();
  const auto answer = CLOUDFLOW_TRY(request(
      RD_KAFKA_ADMIN_OP_CREATEPARTITIONS, doing,
      [&](auto* rk, auto* how, auto* to) { rd_kafka_CreatePartitions(rk, &one, 1, how, to); }));
  std::size_t count = 0;
  const auto* const* grown = rd_kafka_CreatePartitions_result_topics(
      rd_kafka_event_CreatePartitions_result(answer.get()), &count);
  CLOUDFLOW_TRY(check({grown, count}, doing, RD_KAFKA_RESP_ERR_NO_ERROR));
  return wait_until_ready(name);
}

result<void> admin::wait_until_ready(const std::string& topic) const {
  const deadline until{session_->time(), creation_patience};
  while (true) {
    const auto found = CLOUDFLOW_TRY(describe(std::span{&topic, 1}));
    if (!found.empty() && found.front().is_ready) return {};
    if (until.has_passed())
      return error{errc::unavailable,
                   fmt::format("{}: topic \"{}\" was created, but after {} s some of its "
                               "partitions have no leader; check the brokers' logs",
                               session_->where(), topic, creation_patience.count() / 1000)};
    serve(pause_between_looks);
  }
}

result<std::vector<topic_properties>> admin::properties(std::span<const std::string> names) const {
  std::vector<topic_properties> all(names.size());
  if (names.empty()) return all;
  std::vector<resource_handle> owned;
  std::vector<rd_kafka_ConfigResource_t*> topics;
  for (const auto& name : names) {
    owned.emplace_back(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name.c_str()));
    topics.push_back(owned.back().get());
  }
  const auto answer =
      CLOUDFLOW_TRY(request(RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, "cannot read properties of topics",
                            [&](auto* rk, auto* how, auto* to) {
                              rd_kafka_DescribeConfigs(rk, topics.data(), topics.size(), how, to);
                            }));
  std::size_t count = 0;
  const auto* const* described = rd_kafka_DescribeConfigs_result_resources(
      rd_kafka_event_DescribeConfigs_result(answer.get()), &count);
  for (const auto* each : std::span{described, count}) {
    const std::string name = rd_kafka_ConfigResource_name(each);
    if (const auto code = rd_kafka_ConfigResource_error(each); code != RD_KAFKA_RESP_ERR_NO_ERROR)
      return error_of(session_->where(),
                      fmt::format("cannot read properties of topic \"{}\"", name),
                      failure_of(code, rd_kafka_ConfigResource_error_string(each)));
    for (std::size_t i = 0; i != names.size(); ++i)
      if (names[i] == name) all[i] = properties_of(each);
  }
  return all;
}

result<void> admin::alter(const std::string& name, const property_map& changes) const {
  const resource_handle topic{rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name.c_str())};
  for (const auto& [property, value] : changes) {
    const error_handle problem{rd_kafka_ConfigResource_add_incremental_config(
        topic.get(), property.c_str(), RD_KAFKA_ALTER_CONFIG_OP_TYPE_SET, value.c_str())};
    if (problem)
      return error{errc::unsupported,
                   fmt::format("{}: topic \"{}\": {}: {}", session_->where(), name, property,
                               rd_kafka_error_string(problem.get()))};
  }
  const auto doing = fmt::format("cannot change the properties of topic \"{}\"", name);
  auto* one = topic.get();
  const auto answer = CLOUDFLOW_TRY(
      request(RD_KAFKA_ADMIN_OP_INCREMENTALALTERCONFIGS, doing, [&](auto* rk, auto* how, auto* to) {
        rd_kafka_IncrementalAlterConfigs(rk, &one, 1, how, to);
      }));
  std::size_t count = 0;
  const auto* const* altered = rd_kafka_IncrementalAlterConfigs_result_resources(
      rd_kafka_event_IncrementalAlterConfigs_result(answer.get()), &count);
  for (const auto* each : std::span{altered, count})
    if (const auto code = rd_kafka_ConfigResource_error(each); code != RD_KAFKA_RESP_ERR_NO_ERROR)
      return error_of(session_->where(), doing,
                      failure_of(code, rd_kafka_ConfigResource_error_string(each)));
  return {};
}

}  // namespace cloudflow::pubsub::kafka
