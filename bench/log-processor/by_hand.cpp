// The limit beside the log processor: one thread that reads the files, counts per application and
// window in a hash map, and writes every record and the last rows to the embedded log, committing
// as often as a worker does.
//
//   log-processor-by-hand LOGS STATE
//
// It prints its rows as `peek log-stat --latest-by app,windowstart` prints those of the log
// processor. What it does without: keys over HTTP, streamlets that read what others have written,
// printing, state, positions.

#include "cloudflow/connect/files/log_records.hpp"
#include "cloudflow/pubsub/embedded/log.hpp"
#include "log_schemas/log_message.hpp"
#include "log_schemas/log_stats.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>

namespace {

namespace connect = cloudflow::connect;
namespace pubsub = cloudflow::pubsub;
using cloudflow::codec;
using cloudflow::timestamp;
using logproc::data::log_message;
using logproc::data::log_stats;

constexpr std::chrono::minutes window{2};
constexpr std::int64_t alert_threshold = 10;
constexpr std::chrono::milliseconds commit_interval{100};  // as worker_options has them
constexpr std::size_t max_uncommitted_bytes = 8 * 1024 * 1024;
constexpr std::string_view messages_topic = "valid-logs", rows_topic = "log-stat";

[[noreturn]] void fail(std::string_view what) {
  fmt::print(stderr, "log-processor-by-hand: {}\n", what);
  std::exit(1);
}
template <class T, class E>
T value_or_fail(cloudflow::result<T, E> r) {
  if (!r) fail(r.error().message);
  return std::move(r).value();
}

struct counts {
  std::int64_t messages = 0, problems = 0;
};

/// Collects records and commits them now and then.
class writer {
public:
  explicit writer(const std::filesystem::path& state) {
    log_ = value_or_fail(
        pubsub::embedded::open({.directory = state / "log", .file_system = {}}, clock_));
    for (const auto topic : {messages_topic, rows_topic})
      value_or_fail(log_->ensure_topic({.name = std::string{topic}}));
    producer_ = value_or_fail(log_->open_producer({.transactional_id = "by-hand"}));
  }
  void add(const log_message::view& m) {
    append(messages_, m.app, m);
    const bool is_large = messages_.byte_size() >= max_uncommitted_bytes;
    if (is_large || (messages_.size() % 500 == 0 && clock_.monotonic() - last_ >= commit_interval))
      commit();
  }
  void add(const log_stats& row) { append(rows_, row.app, row); }
  void commit() {
    pubsub::transaction changes;
    changes.outputs.push_back({messages_topic, cloudflow::partition_id{0}, &messages_});
    changes.outputs.push_back({rows_topic, cloudflow::partition_id{0}, &rows_});
    if (const auto done = producer_->commit(changes); !done) fail(done.error().message);
    messages_.clear();
    rows_.clear();
    last_ = clock_.monotonic();
  }

private:
  template <class Record>
  static void append(cloudflow::record_buffer& to, std::string_view key, const Record& record) {
    to.append(
        true, [&](cloudflow::byte_writer& w) { w.put_raw(key); },
        [&](cloudflow::byte_writer& w) {
          codec<std::conditional_t<std::same_as<Record, log_stats>, log_stats,
                                   log_message>>::encode(record, w);
        });
  }

  cloudflow::system_clock clock_;
  std::unique_ptr<pubsub::embedded::log> log_;
  std::unique_ptr<pubsub::producer> producer_;
  cloudflow::record_buffer messages_, rows_;
  std::chrono::nanoseconds last_ = clock_.monotonic();
};

using windows = std::unordered_map<timestamp::rep, counts>;

void read_object(connect::object_store& store, const std::string& key, windows& of_app,
                 const std::string& app, writer& out) {
  const auto layouts = value_or_fail(connect::log_layouts::make({}));
  const auto object = value_or_fail(store.open(key));
  const auto records = value_or_fail(connect::log_records::open(*object, layouts));
  constexpr auto length = std::chrono::milliseconds{window}.count();
  while (const auto item = value_or_fail(records->next())) {
    if (!item->is_record()) continue;
    const auto& f = item->fields;
    const auto time = f.time.time_since_epoch().count();
    auto& c = of_app[time - (time % length + length) % length];
    ++c.messages;
    if (f.level == "WARN" || f.level == "ERROR") ++c.problems;
    out.add({app, f.time, f.level, f.message, key, static_cast<std::int64_t>(item->at.line)});
  }
}

void run(const std::string& logs, const std::filesystem::path& state) {
  writer out{state};
  const auto store = value_or_fail(connect::open_directory_store(logs));
  std::map<std::string, windows> counted;
  for (std::string after;;) {
    const auto some = value_or_fail(store->list("", after));
    if (some.empty()) break;
    for (const auto& object : some) {
      const auto app = std::filesystem::path{object.key}.stem().string();
      read_object(*store, object.key, counted[app], app, out);
    }
    after = some.back().key;
  }
  for (const auto& [app, of_app] : counted)
    for (const auto& [start, c] : of_app) {
      const timestamp begin{std::chrono::milliseconds{start}};
      out.add({app, begin, begin + window, c.messages, c.problems, c.problems > alert_threshold});
      fmt::print("{{\"app\":\"{}\",\"windowstart\":{},\"numLogs\":{},\"numErrors\":{}}}\n", app,
                 start, c.messages, c.problems);
    }
  out.commit();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) fail("usage: log-processor-by-hand LOGS STATE");
  run(argv[1], argv[2]);
}
