#include "cloudflow/operate/dead_letters.hpp"

#include "cloudflow/operate/topic_reader.hpp"
#include "cloudflow/pubsub/dead_letter.hpp"
#include "cloudflow/schema/schema_header.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace cloudflow::operate {

namespace header = pubsub::dead_letter;

namespace {

/// Bounds of one transaction.
constexpr std::size_t letters_per_commit = 1000, bytes_per_commit = 4 * 1024 * 1024;

/// The value of a header; null data when the record does not have it.
std::string_view value_of(const record_view& record, std::string_view name) {
  const auto found = std::find_if(record.headers.begin(), record.headers.end(),
                                  [name](const header_view& h) { return h.name == name; });
  return found == record.headers.end() ? std::string_view{} : found->value;
}

std::int64_t number_in(std::string_view text) {
  std::int64_t n = 0;
  std::from_chars(text.data(), text.data() + text.size(), n);
  return n;
}

bool is_mark(const record_view& record) {
  return value_of(record, header::handled).data() != nullptr;
}

dead_letter letter_of(const record_view& record) {
  dead_letter letter{.record = &record,
                     .reason = value_of(record, header::reason),
                     .time = value_of(record, header::time),
                     .topic = value_of(record, header::topic),
                     .failures = 1 + number_in(value_of(record, header::failures))};
  auto partition = value_of(record, header::partition), offset = value_of(record, header::offset);
  if (const auto origin = value_of(record, header::origin); !origin.empty()) {
    const auto last = origin.rfind('/'), middle = origin.rfind('/', last - 1);
    letter.topic = origin.substr(0, middle);
    partition = origin.substr(middle + 1, last - middle - 1);
    offset = origin.substr(last + 1);
  }
  letter.partition = partition_id{static_cast<std::int32_t>(number_in(partition))};
  letter.offset = record_offset{number_in(offset)};
  return letter;
}

/// Calls `f` with each record of the range; it returns false to stop.
template <class F>
result<void> for_each_record(const pubsub::backend& log, const pubsub::topic_partition& source,
                             const pubsub::partition_range& range, F&& f) {
  partition_reader reader{log, source, range.first, range.end};
  for (;; reader.advance()) {
    const auto record = CLOUDFLOW_TRY(reader.current());
    if (record == nullptr) return {};
    result<bool> goes_on = f(*record);
    if (!goes_on) return std::move(goes_on).error();
    if (!*goes_on) return {};
  }
}

}  // namespace

bool letter_filter::takes(const dead_letter& letter) const {
  return (!offsets || offsets->has(letter.record->offset)) &&
         letter.reason.find(reason) != std::string_view::npos;
}

result<dead_letter_topic> dead_letter_topic::of(pubsub::backend& log, const planned_inlet& inlet) {
  if (!inlet.port->dead_letter_topic)
    return error{fmt::format("inlet {} keeps no dead letters: its policy for bad records is {}",
                             inlet.path(), blueprint::to_string(inlet.port->on_bad_record))};
  return dead_letter_topic{log, inlet};
}

// -- looking --------------------------------------------------------------------------------------

/// The runtime writes all dead letters of an inlet to one partition.
pubsub::topic_partition dead_letter_topic::source() const {
  return {inlet_.dead_letter_topic(), partition_id{0}};
}

result<pubsub::partition_range> dead_letter_topic::range() const {
  const auto info = log_->topic(inlet_.dead_letter_topic());
  if (info) return info->partitions.at(0);
  if (info.error().code == pubsub::errc::topic_not_found) return pubsub::partition_range{};
  return error{info.error().message};
}

result<std::map<std::string, offset_set, std::less<>>> dead_letter_topic::marks(
    const pubsub::partition_range& in) const {
  std::map<std::string, offset_set, std::less<>> found;
  CLOUDFLOW_TRY(for_each_record(*log_, source(), in, [&](const record_view& record) {
    if (is_mark(record))
      if (const auto offsets = offset_set::parse(value_of(record, header::offsets)))
        found[std::string{value_of(record, header::handled)}].add(*offsets);
    return true;
  }));
  return found;
}

result<void> dead_letter_topic::for_each_waiting(
    const pubsub::partition_range& in, const letter_filter& filter,
    const std::function<result<bool>(const dead_letter&)>& f) const {
  const auto known = CLOUDFLOW_TRY(marks(in));
  offset_set handled;
  for (const auto& [outcome, offsets] : known) handled.add(offsets);
  return for_each_record(*log_, source(), in, [&](const record_view& record) -> result<bool> {
    if (is_mark(record) || handled.has(record.offset)) return true;
    const auto letter = letter_of(record);
    return filter.takes(letter) ? f(letter) : true;
  });
}

result<void> dead_letter_topic::visit(const letter_filter& filter,
                                      const std::function<bool(const dead_letter&)>& f) const {
  const auto in = CLOUDFLOW_TRY(range());
  return for_each_waiting(in, filter, f);
}

result<letter_summary> dead_letter_topic::summarise() const {
  const auto in = CLOUDFLOW_TRY(range());
  const auto known = CLOUDFLOW_TRY(marks(in));
  const auto is_in = [&](std::string_view outcome, record_offset offset) {
    const auto found = known.find(outcome);
    return found != known.end() && found->second.has(offset);
  };
  letter_summary sum;
  CLOUDFLOW_TRY(for_each_record(*log_, source(), in, [&](const record_view& record) {
    if (is_mark(record)) return true;
    if (is_in(header::retried, record.offset)) return ++sum.retried, true;
    if (is_in(header::dropped, record.offset)) return ++sum.dropped, true;
    const auto letter = letter_of(record);
    ++sum.waiting;
    if (sum.oldest.empty()) sum.oldest = letter.time;
    sum.newest = letter.time;
    ++sum.reasons[std::string{letter.reason}];
    return true;
  }));
  return sum;
}

std::string dead_letter_topic::schema_of(const record_view& letter) {
  if (const auto own = value_of(letter, schema::schema_header_name); !own.empty())
    return std::string{own};
  const std::string topic{value_of(letter, header::topic)};
  const auto known = base_schemas_.find(topic);
  if (known != base_schemas_.end()) return known->second;
  const auto info = log_->topic(topic);
  return base_schemas_[topic] = info ? info->spec.base_schema : std::string{};
}

// -- changing -------------------------------------------------------------------------------------

/// Letters on their way: transactions of what becomes of them and of the mark that says so.
class dead_letter_topic::transfer {
public:
  transfer(std::unique_ptr<pubsub::producer> to, pubsub::topic_partition letters,
           std::string_view outcome, std::vector<pubsub::topic_info> retry_topics)
    : to_(std::move(to)),
      letters_(std::move(letters)),
      outcome_(outcome),
      retry_topics_(std::move(retry_topics)) {}

  /// `schema`: of the value; empty: not known.
  result<void> add(const dead_letter& letter, std::string_view schema) {
    if (!retry_topics_.empty()) {
      CLOUDFLOW_TRY(write_again(letter, schema));
    }
    offsets_.add(letter.record->offset);
    const bool is_full = ++count_ == letters_per_commit || bytes_ >= bytes_per_commit;
    return is_full ? commit() : result<void>{};
  }

  result<void> commit() {
    if (count_ == 0) return {};
    record_buffer mark;
    mark.append(std::string_view{}, std::string_view{});
    mark.add_header(header::handled, outcome_);
    mark.add_header(header::offsets, offsets_.text());
    pubsub::transaction changes;
    for (const auto& [to, records] : records_)
      changes.outputs.push_back({to.topic, to.partition, &records});
    changes.outputs.push_back({letters_.topic, letters_.partition, &mark});
    if (auto done = to_->commit(changes); !done)
      return error{
          fmt::format("{} dead letters are {}; then: {}", done_, outcome_, done.error().message)};
    done_ += std::exchange(count_, 0);
    bytes_ = 0;
    records_.clear();
    offsets_ = {};
    return {};
  }
  std::uint64_t done() const noexcept { return done_; }

private:
  /// The record as it was, with what is to be known if it fails once more.
  result<void> write_again(const dead_letter& letter, std::string_view schema) {
    const auto& to = retry_topic_of(letter);
    if (static_cast<std::size_t>(letter.partition.value()) >= to.partitions.size())
      return error{
          fmt::format("the dead letter at offset {} was in partition {} of {}, but {} has only {} "
                      "partitions; drop "
                      "it, or leave it out with --offset",
                      letter.record->offset.value(), letter.partition.value(), letter.topic,
                      to.spec.name, to.partitions.size())};
    auto& records = records_[{to.spec.name, letter.partition}];
    records.append(letter.record->key, letter.record->value);
    for (const auto& h : letter.record->headers)
      if (!header::is_own(h.name) && h.name != header::failures && h.name != header::origin &&
          h.name != schema::schema_header_name)
        records.add_header(h.name, h.value);
    if (!schema.empty() && !to.spec.base_schema.starts_with(schema))
      records.add_header(schema::schema_header_name, schema.substr(0, schema::schema_header_size));
    records.add_header(header::failures, std::to_string(letter.failures));
    records.add_header(
        header::origin,
        fmt::format("{}/{}/{}", letter.topic, letter.partition.value(), letter.offset.value()));
    bytes_ += records.last_size();
    return {};
  }
  const pubsub::topic_info& retry_topic_of(const dead_letter& letter) const {
    const auto same = std::find_if(retry_topics_.begin(), retry_topics_.end(),
                                   [&](const auto& t) { return t.spec.name == letter.topic; });
    return same == retry_topics_.end() ? retry_topics_.front() : *same;
  }

  std::unique_ptr<pubsub::producer> to_;
  pubsub::topic_partition letters_;
  std::string_view outcome_;
  std::vector<pubsub::topic_info> retry_topics_;  // none: dead letters are not written again
  std::map<pubsub::topic_partition, record_buffer> records_;
  offset_set offsets_;
  std::size_t count_ = 0, bytes_ = 0;
  std::uint64_t done_ = 0;
};

result<std::uint64_t> dead_letter_topic::retry(const letter_filter& filter) {
  auto names = inlet_.repartition_topics();
  names.insert(names.begin(), inlet_.retry_topic());
  std::vector<pubsub::topic_info> topics;
  for (const auto& name : names) {
    auto to = log_->topic(name);
    if (!to)
      return error{
          fmt::format("{} Start the application once: it makes the topic.", to.error().message)};
    topics.push_back(std::move(to).value());
  }
  return hand_over(filter, header::retried, std::move(topics));
}

result<std::uint64_t> dead_letter_topic::drop(const letter_filter& filter) {
  return hand_over(filter, header::dropped, {});
}

result<std::uint64_t> dead_letter_topic::hand_over(const letter_filter& filter,
                                                   std::string_view outcome,
                                                   std::vector<pubsub::topic_info> retry_topics) {
  // Opened before anything is read: whoever was at work here before is fenced, and what it has done
  // is seen.
  auto producer = log_->open_producer({.transactional_id = inlet_.plan->names().dead_letters_id(
                                           inlet_.streamlet->name, inlet_.port->name)});
  if (!producer) return error{producer.error().message};
  const auto in = CLOUDFLOW_TRY(range());
  transfer letters{std::move(producer).value(), source(), outcome, std::move(retry_topics)};
  auto done = for_each_waiting(in, filter, [&](const dead_letter& letter) -> result<bool> {
    auto added = letters.add(letter, schema_of(*letter.record));
    return added ? result<bool>{true} : std::move(added).error();
  });
  if (done) done = letters.commit();
  if (!done) return std::move(done).error();
  return letters.done();
}

}  // namespace cloudflow::operate
