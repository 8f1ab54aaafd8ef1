#include "cloudflow/pubsub/conformance.hpp"

#include <algorithm>

namespace cloudflow::pubsub::conformance {

namespace {

using std::chrono::milliseconds;

/// Far more than anything takes.
constexpr milliseconds patience{30'000};
constexpr milliseconds longest_silence{20};

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

// -- waiting --------------------------------------------------------------------------------------

void bell::ring() {
  const std::lock_guard lock{mutex_};
  has_rung_ = true;
  rung_.notify_one();
}

void bell::wait() {
  std::unique_lock lock{mutex_};
  rung_.wait_for(lock, longest_silence, [this] { return has_rung_; });
  has_rung_ = false;
}

bool eventually(const std::function<bool()>& f, bell& news) {
  const auto give_up = std::chrono::steady_clock::now() + patience;
  while (!f()) {
    if (std::chrono::steady_clock::now() > give_up) {
      ADD_FAILURE() << "still not so after " << patience.count() << " ms";
      return false;
    }
    news.wait();
  }
  return true;
}

bool eventually(const std::function<bool()>& f) {
  bell nobody;
  return eventually(f, nobody);
}

record_offset end_of(const topic_partition& source, environment& world) {
  world.settle(source);
  const auto topic = world.log().topic(source.topic);
  EXPECT_TRUE(topic.has_value()) << topic.error().message;
  if (!topic) return record_offset{0};
  return topic->partitions.at(static_cast<std::size_t>(source.partition.value())).end;
}

// -- member ---------------------------------------------------------------------------------------

member::member(environment& world, consumer_options wanted) : world_(world) {
  wanted.on_ready = [news = news_.get()] { news->ring(); };
  auto opened = world.log().open_consumer(wanted);
  EXPECT_TRUE(opened.has_value()) << opened.error().message;
  consumer_ = std::move(opened).value();
}

std::vector<assignment> member::assigned(std::size_t count) {
  std::vector<assignment> all;
  eventually(
      [&] {
        const auto changes = consumer_->poll_assignments();
        EXPECT_TRUE(changes.has_value()) << changes.error().message;
        if (!changes) return true;
        all.insert(all.end(), changes->begin(), changes->end());
        return all.size() >= count;
      },
      *news_);
  EXPECT_EQ(all.size(), count);
  std::ranges::sort(all, {}, &assignment::source);
  for (const auto& one : all) {
    EXPECT_EQ(one.what, assignment::kind::assigned);
    next_[one.source] = one.next;
  }
  all.resize(count);  // what is missing has failed the test, and is not looked for in vain
  return all;
}

void member::seek(const topic_partition& source, record_offset next) {
  const auto moved = consumer_->seek(source, next);
  ASSERT_TRUE(moved.has_value()) << moved.error().message;
  next_[source] = next;
}

std::vector<std::string> member::take_all(const topic_partition& source, fetch_limits limits) {
  const auto end = end_of(source, world_);
  std::vector<std::string> values;
  const auto take_some = [&] {
    const auto batch = consumer_->fetch(source, limits);
    EXPECT_TRUE(batch.has_value()) << batch.error().message;
    if (!batch) return true;
    EXPECT_LE(batch->records().size(), limits.max_records);
    for (const auto& record : batch->records()) values.emplace_back(record.value);
    if (batch->next()) next_[source] = *batch->next();
    return next_[source] >= end || !batch->empty();
  };
  while (next_[source] < end && eventually(take_some, *news_) && !testing::Test::HasFailure()) {
  }
  return values;
}

record_batch member::fetch(const topic_partition& source, fetch_limits limits) {
  record_batch taken;
  eventually(
      [&] {
        auto batch = consumer_->fetch(source, limits);
        EXPECT_TRUE(batch.has_value()) << batch.error().message;
        if (!batch) return true;
        if (batch->next()) next_[source] = *batch->next();
        taken = std::move(batch).value();
        return !taken.empty();
      },
      *news_);
  return taken;
}

// -- backend_conformance --------------------------------------------------------------------------

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

member backend_conformance::open_consumer(const std::string& group,
                                          const std::vector<std::string>& topics,
                                          consumer_options::start start) {
  return {world(), {.group = group, .topics = topics, .start_at = start, .on_ready = {}}};
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

void backend_conformance::bring_state(const std::string& owner, std::int32_t partitions) {
  const auto ensured = log().ensure_state(owner, partitions);
  ASSERT_TRUE(ensured.has_value()) << ensured.error().message;
  const auto news = std::make_shared<bell>();
  for (std::int32_t p = 0; p != partitions; ++p)
    ASSERT_TRUE(eventually(
        [&] {
          const auto is_here = log().restore(owner, partition_id{p}, [news] { news->ring(); });
          EXPECT_TRUE(is_here.has_value()) << is_here.error().message;
          return !is_here || is_here.value();
        },
        *news));
}

std::vector<plain_record> backend_conformance::read_all(const topic_partition& source,
                                                        std::int64_t from) {
  world().settle(source);
  std::vector<plain_record> all;
  while (true) {
    const auto batch = log().read(source, record_offset{from}, {});
    EXPECT_TRUE(batch.has_value()) << batch.error().message;
    if (!batch || batch->empty()) return all;
    for (const auto& record : batch->records()) all.push_back(plain(record));
    from = all.back().offset + 1;
  }
}

}  // namespace cloudflow::pubsub::conformance
