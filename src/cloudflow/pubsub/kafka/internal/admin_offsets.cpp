// The requests of admin.hpp about offsets, groups and records.
#include "cloudflow/pubsub/kafka/internal/admin.hpp"
#include "cloudflow/pubsub/kafka/internal/connection.hpp"
#include "cloudflow/pubsub/kafka/internal/deadline.hpp"
#include "cloudflow/pubsub/transaction.hpp"

#include <fmt/format.h>

#include <array>
#include <atomic>
#include <utility>

namespace cloudflow::pubsub::kafka {

namespace {

using group_offsets_handle =
    handle<rd_kafka_ListConsumerGroupOffsets_t, rd_kafka_ListConsumerGroupOffsets_destroy>;

using delete_records_handle = handle<rd_kafka_DeleteRecords_t, rd_kafka_DeleteRecords_destroy>;

constexpr std::chrono::seconds longest_transaction{15};
constexpr std::chrono::seconds propagation{5};

list_handle list_of(std::span<const topic_partition> partitions, std::int64_t offset) {
  list_handle list{rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size()))};
  for (const auto& [topic, partition] : partitions)
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition.value())->offset =
        offset;
  return list;
}

}  // namespace

// -- offsets --------------------------------------------------------------------------------------

std::optional<error> admin::missing(std::span<const topic_partition> of) const {
  std::vector<std::string> names;
  for (const auto& each : of)
    if (names.empty() || names.back() != each.topic) names.push_back(each.topic);
  for (const auto& name : names) {
    const auto found = CLOUDFLOW_TRY(describe(name));
    for (const auto& each : of)
      if (each.topic == name && each.partition.value() >= found.partitions)
        return error{errc::topic_not_found,
                     fmt::format("{}: there is no {}: topic \"{}\" has {} partitions",
                                 session_->where(), to_string(each), name, found.partitions)};
  }
  return std::nullopt;
}

result<std::vector<std::int64_t>> admin::list_offsets(std::span<const topic_partition> of,
                                                      std::int64_t spec,
                                                      rd_kafka_IsolationLevel_t isolation) const {
  const deadline until{session_->time(), propagation};
  while (true) {
    auto offsets = ask_offsets(of, spec, isolation);
    if (offsets) return offsets;
    if (auto gone = missing(of)) return *std::move(gone);
    // It is there: librdkafka remembers for a moment that it was not, or its leader is being
    // chosen.
    const auto code = offsets.error().code;
    const auto may_pass = code == errc::unavailable || code == errc::failed;
    if (!may_pass || until.has_passed()) return offsets;
    serve(pause_between_looks);
  }
}

result<std::vector<std::int64_t>> admin::ask_offsets(std::span<const topic_partition> of,
                                                     std::int64_t spec,
                                                     rd_kafka_IsolationLevel_t isolation) const {
  std::vector<std::int64_t> offsets(of.size(), -1);
  if (of.empty()) return offsets;
  const auto doing = fmt::format("cannot find offsets of topic \"{}\"", of.front().topic);
  const auto list = list_of(of, spec);
  const auto answer = CLOUDFLOW_TRY(request(
      RD_KAFKA_ADMIN_OP_LISTOFFSETS, doing,
      [&](auto* rk, auto* how, auto* to) { rd_kafka_ListOffsets(rk, list.get(), how, to); },
      [&](auto* how) {
        const error_handle problem{rd_kafka_AdminOptions_set_isolation_level(how, isolation)};
      }));
  std::size_t count = 0;
  const auto** infos =
      rd_kafka_ListOffsets_result_infos(rd_kafka_event_ListOffsets_result(answer.get()), &count);
  std::map<std::pair<std::string_view, std::int32_t>, std::int64_t> found;
  for (const auto* info : std::span{infos, count}) {
    const auto& one = *rd_kafka_ListOffsetsResultInfo_topic_partition(info);
    if (one.err != RD_KAFKA_RESP_ERR_NO_ERROR)
      return error_of(session_->where(),
                      fmt::format("cannot find an offset of {}/{}", one.topic, one.partition),
                      failure_of(one.err));
    found[{one.topic, one.partition}] = one.offset;
  }
  for (std::size_t i = 0; i != of.size(); ++i) {
    const auto at = found.find({of[i].topic, of[i].partition.value()});
    if (at != found.end()) offsets[i] = at->second;
  }
  return offsets;
}

result<std::vector<record_offset>> admin::offsets(std::span<const topic_partition> of,
                                                  offset_of which) const {
  const auto found = CLOUDFLOW_TRY(list_offsets(
      of, which == offset_of::first ? RD_KAFKA_OFFSET_SPEC_EARLIEST : RD_KAFKA_OFFSET_SPEC_LATEST,
      which == offset_of::end ? RD_KAFKA_ISOLATION_LEVEL_READ_UNCOMMITTED
                              : RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED));
  std::vector<record_offset> offsets;
  for (const auto offset : found) offsets.emplace_back(offset);
  return offsets;
}

result<partition_range> admin::range(const topic_partition& of) const {
  const auto first = CLOUDFLOW_TRY(offsets(std::span{&of, 1}, offset_of::first));
  const auto end = CLOUDFLOW_TRY(offsets(std::span{&of, 1}, offset_of::committed_end));
  return partition_range{first.front(), end.front()};
}

result<std::optional<record_offset>> admin::offset_at(const topic_partition& of,
                                                      timestamp at) const {
  const auto found = CLOUDFLOW_TRY(list_offsets(std::span{&of, 1}, at.time_since_epoch().count(),
                                                RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED));
  if (found.front() < 0) return std::optional<record_offset>{};
  return std::optional{record_offset{found.front()}};
}

result<void> admin::remove_before(const std::map<topic_partition, record_offset>& offsets) const {
  const list_handle list{rd_kafka_topic_partition_list_new(static_cast<int>(offsets.size()))};
  for (const auto& [of, offset] : offsets)
    rd_kafka_topic_partition_list_add(list.get(), of.topic.c_str(), of.partition.value())->offset =
        offset.value();
  const delete_records_handle wanted{rd_kafka_DeleteRecords_new(list.get())};
  auto* one = wanted.get();
  const auto answer = CLOUDFLOW_TRY(request(
      RD_KAFKA_ADMIN_OP_DELETERECORDS, "cannot remove records",
      [&](auto* rk, auto* how, auto* to) { rd_kafka_DeleteRecords(rk, &one, 1, how, to); }));
  const auto* removed =
      rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(answer.get()));
  for (const auto& each : std::span{removed->elems, static_cast<std::size_t>(removed->cnt)})
    if (each.err != RD_KAFKA_RESP_ERR_NO_ERROR)
      return error_of(session_->where(),
                      fmt::format("cannot remove records of {}/{}", each.topic, each.partition),
                      failure_of(each.err));
  return {};
}

// -- groups ---------------------------------------------------------------------------------------

result<std::optional<record_offset>> admin::position(const std::string& group,
                                                     const topic_partition& source) const {
  const auto doing =
      fmt::format("cannot read the position of group \"{}\" in {}", group, to_string(source));
  const auto list = list_of(std::span{&source, 1}, RD_KAFKA_OFFSET_INVALID);
  const group_offsets_handle asked{
      rd_kafka_ListConsumerGroupOffsets_new(group.c_str(), list.get())};
  auto* one = asked.get();
  const deadline until{session_->time(), longest_transaction};
  while (true) {
    const auto answer = CLOUDFLOW_TRY(request(
        RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS, doing,
        [&](auto* rk, auto* how, auto* to) {
          rd_kafka_ListConsumerGroupOffsets(rk, &one, 1, how, to);
        },
        [](auto* how) {
          const error_handle problem{rd_kafka_AdminOptions_set_require_stable_offsets(how, 1)};
        }));
    std::size_t count = 0;
    const auto* const* groups = rd_kafka_ListConsumerGroupOffsets_result_groups(
        rd_kafka_event_ListConsumerGroupOffsets_result(answer.get()), &count);
    if (const auto* problem = rd_kafka_group_result_error(groups[0]); problem != nullptr)
      return error_of(session_->where(), doing, failure_of(problem));
    const auto* positions = rd_kafka_group_result_partitions(groups[0]);
    if (positions == nullptr || positions->cnt == 0) return std::optional<record_offset>{};
    const auto& found = positions->elems[0];
    if (found.err == RD_KAFKA_RESP_ERR_NO_ERROR)
      return found.offset < 0 ? std::nullopt : std::optional{record_offset{found.offset}};
    if (found.err != RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT || until.has_passed())
      return error_of(session_->where(), doing, failure_of(found.err));
    serve(pause_between_looks);
  }
}

result<void> admin::alter_positions(const std::string& group,
                                    const rd_kafka_topic_partition_list_t& to) const {
  const auto doing = fmt::format("cannot commit for group \"{}\"", group);
  const handle<rd_kafka_AlterConsumerGroupOffsets_t, rd_kafka_AlterConsumerGroupOffsets_destroy>
      asked{rd_kafka_AlterConsumerGroupOffsets_new(group.c_str(), &to)};
  auto* one = asked.get();
  const auto answer = CLOUDFLOW_TRY(request(
      RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS, doing, [&](auto* rk, auto* how, auto* answers) {
        rd_kafka_AlterConsumerGroupOffsets(rk, &one, 1, how, answers);
      }));
  std::size_t count = 0;
  const auto* const* groups = rd_kafka_AlterConsumerGroupOffsets_result_groups(
      rd_kafka_event_AlterConsumerGroupOffsets_result(answer.get()), &count);
  if (const auto* problem = rd_kafka_group_result_error(groups[0]); problem != nullptr)
    return error_of(session_->where(), doing, failure_of(problem));
  const auto* positions = rd_kafka_group_result_partitions(groups[0]);
  for (int i = 0; i != positions->cnt; ++i)
    if (positions->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR)
      return error_of(session_->where(), doing, failure_of(positions->elems[i].err));
  return {};
}

result<bool> admin::has_members(const std::string& group) const {
  const auto doing = fmt::format("cannot describe group \"{}\"", group);
  const auto* one = group.c_str();
  const auto answer = CLOUDFLOW_TRY(
      request(RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS, doing, [&](auto* rk, auto* how, auto* to) {
        rd_kafka_DescribeConsumerGroups(rk, &one, 1, how, to);
      }));
  std::size_t count = 0;
  const auto* const* groups = rd_kafka_DescribeConsumerGroups_result_groups(
      rd_kafka_event_DescribeConsumerGroups_result(answer.get()), &count);
  const auto* problem = rd_kafka_ConsumerGroupDescription_error(groups[0]);
  if (problem == nullptr) return rd_kafka_ConsumerGroupDescription_member_count(groups[0]) != 0;
  if (rd_kafka_error_code(problem) == RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND) return false;
  return error_of(session_->where(), doing, failure_of(problem));
}

// -- records --------------------------------------------------------------------------------------

namespace {

/// For librdkafka, which copies and does not write.
decltype(rd_kafka_vu_t::u.mem) bytes_of(std::string_view text) {
  return {.ptr = const_cast<char*>(text.data()), .size = text.size()};
}

/// What becomes of one record; held by whoever waits and by librdkafka.
struct delivery {
  std::atomic<bool> is_known = false;
  rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
};

}  // namespace

void admin::delivered(rd_kafka_t*, const rd_kafka_message_t* message, void*) {
  const std::unique_ptr<std::shared_ptr<delivery>> held{
      static_cast<std::shared_ptr<delivery>*>(message->_private)};
  (*held)->code = message->err;
  (*held)->is_known.store(true, std::memory_order_release);
}

result<void> admin::append(const std::string& topic, std::string_view key,
                           std::string_view value) const {
  const auto doing = fmt::format("cannot write to topic \"{}\"", topic);
  const auto opened = CLOUDFLOW_TRY(current());
  auto* rk = opened->get();
  const auto fate = std::make_shared<delivery>();
  auto held = std::make_unique<std::shared_ptr<delivery>>(fate);
  std::array<rd_kafka_vu_t, 6> record{};
  record[0].vtype = RD_KAFKA_VTYPE_TOPIC;
  record[0].u.cstr = topic.c_str();
  record[1].vtype = RD_KAFKA_VTYPE_PARTITION;
  record[1].u.i32 = 0;
  record[2].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
  record[2].u.i = RD_KAFKA_MSG_F_COPY;
  record[3].vtype = RD_KAFKA_VTYPE_KEY;
  record[3].u.mem = bytes_of(key);
  record[4].vtype = RD_KAFKA_VTYPE_VALUE;
  record[4].u.mem = bytes_of(value);
  record[5].vtype = RD_KAFKA_VTYPE_OPAQUE;
  record[5].u.ptr = held.get();
  if (error_handle refused{rd_kafka_produceva(rk, record.data(), record.size())}; refused)
    return opened->fail(doing, std::move(refused));
  static_cast<void>(held.release());  // delivered() has it now; message.timeout.ms bounds the wait
  while (!fate->is_known.load(std::memory_order_acquire))
    rd_kafka_poll(rk, static_cast<int>(pause_between_looks.count()));
  if (fate->code != RD_KAFKA_RESP_ERR_NO_ERROR) return opened->fail(doing, fate->code);
  return {};
}

}  // namespace cloudflow::pubsub::kafka
