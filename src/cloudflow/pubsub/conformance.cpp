#include "cloudflow/pubsub/conformance.hpp"

namespace cloudflow::pubsub::conformance {

namespace {

std::optional<std::string> owned(std::string_view s) {
  if (s.data() == nullptr) return {};
  return std::string{s};
}

}  // namespace

std::vector<std::string> numbered(int from, int to) {
  std::vector<std::string> all;
  for (; from != to; ++from) all.push_back(std::to_string(from));
  return all;
}

plain_record plain(const record_view& record) {
  plain_record out{.key = owned(record.key),
                   .value = owned(record.value),
                   .headers = {},
                   .offset = record.offset.value()};
  for (const auto& header : record.headers) out.headers.emplace_back(header.name, header.value);
  return out;
}

std::vector<std::string> values_of(const std::vector<plain_record>& records) {
  std::vector<std::string> values;
  for (const auto& record : records) values.push_back(record.value.value_or("(none)"));
  return values;
}

// -- backend_conformance -----------------------------------------------------------------------------

void backend_conformance::SetUp() { environment_ = GetParam().make(); }

void backend_conformance::create(const std::string& topic, std::int32_t partitions,
                                 const std::map<std::string, std::string>& properties) {
  const auto made = log().ensure_topic(
      {.name = topic, .partitions = partitions, .properties = properties, .base_schema = {}});
  ASSERT_TRUE(made.has_value()) << made.error().message;
}

std::unique_ptr<producer> backend_conformance::open_producer(const std::string& id) {
  auto opened = log().open_producer({.transactional_id = id});
  EXPECT_TRUE(opened.has_value()) << opened.error().message;
  return std::move(opened).value();
}

std::unique_ptr<consumer> backend_conformance::open_consumer(const std::string& group,
                                                             const std::vector<std::string>& topics,
                                                             consumer_options::start start) {
  auto opened =
      log().open_consumer({.group = group, .topics = topics, .start_at = start, .on_ready = {}});
  EXPECT_TRUE(opened.has_value()) << opened.error().message;
  return std::move(opened).value();
}

void backend_conformance::write(producer& to, const topic_partition& where,
                                const std::vector<std::string>& values) {
  record_buffer records;
  for (const auto& value : values) records.append({}, value);
  transaction changes;
  changes.outputs.push_back({where.topic, where.partition, &records});
  const auto done = to.commit(changes);
  ASSERT_TRUE(done.has_value()) << done.error().message;
}

void backend_conformance::commit_position(producer& by, const std::string& group,
                                          const topic_partition& source, std::int64_t next) {
  transaction changes;
  changes.positions.push_back({group, source.topic, source.partition, record_offset{next}});
  const auto done = by.commit(changes);
  ASSERT_TRUE(done.has_value()) << done.error().message;
}

std::vector<plain_record> backend_conformance::read_all(const topic_partition& source,
                                                        std::int64_t from) {
  std::vector<plain_record> all;
  while (true) {
    const auto batch = log().read(source, record_offset{from}, {});
    EXPECT_TRUE(batch.has_value()) << batch.error().message;
    if (!batch || batch->empty()) return all;
    for (const auto& record : batch->records()) all.push_back(plain(record));
    from = all.back().offset + 1;
  }
}

std::vector<std::string> backend_conformance::take_all(consumer& from,
                                                       const topic_partition& source,
                                                       fetch_limits limits) {
  std::vector<std::string> values;
  while (true) {
    const auto batch = from.take(source, limits);
    EXPECT_TRUE(batch.has_value()) << batch.error().message;
    if (!batch || batch->empty()) return values;
    EXPECT_LE(batch->records().size(), limits.max_records);
    for (const auto& record : batch->records()) values.emplace_back(record.value);
  }
}

}  // namespace cloudflow::pubsub::conformance
