/// The input is what happens to the upstream tasks of a repartition topic and to the one downstream
/// that merges their watermarks, with saves, starts and clocks that are set. A model keeps all
/// marks and says from them what the merged watermark may be. Stored bytes that are none of its own
/// are an error, or a state that can be stored again.
#include "cloudflow/flow/repartition.hpp"

#include "cloudflow/base/assert.hpp"
#include "cloudflow/flow/harness.test.hpp"

#include <algorithm>
#include <optional>
#include <stdexcept>

namespace {

namespace flow = cloudflow::flow;
using cloudflow::byte_reader;
using cloudflow::byte_writer;
using cloudflow::timestamp;
using flow::moved_kind;
using std::chrono::milliseconds;
using effect = flow::merged_watermark::effect;

constexpr milliseconds idle_timeout{1'000};
/// Who is idle may miss saying so twice.
constexpr milliseconds idle_for{3'000};

struct mark {
  moved_kind kind = moved_kind::record;
  std::size_t from = 0;
  timestamp watermark;
  timestamp heard_at;
};

/// None: the bytes are no mark of one of so many partitions.
std::optional<mark> mark_in(std::string_view bytes, std::size_t upstream, timestamp now) {
  byte_reader in{bytes};
  const auto kind = in.get_long(), from = in.get_long();
  if (!in.ok() || kind < 1 || kind > 3) return {};
  if (from < 0 || static_cast<std::uint64_t>(from) >= upstream) return {};
  mark m{static_cast<moved_kind>(kind), static_cast<std::size_t>(from), {}, now};
  if (m.kind == moved_kind::watermark) m.watermark = cloudflow::get_time(in);
  return in.complete() ? std::optional{m} : std::nullopt;
}

/// All marks that were heard and not lost, and what follows from them.
class model {
public:
  explicit model(std::size_t upstream) : upstream_(upstream) {}

  void hear(const mark& m) { marks_.push_back(m); }
  /// What was said about idleness does not outlive a start.
  void start() { heard_before_start_ = marks_.size(); }

  timestamp watermark_of(std::size_t partition) const {
    auto furthest = timestamp::min();
    for (const auto& m : marks_)
      if (m.from == partition && m.kind == moved_kind::watermark)
        furthest = std::max(furthest, m.watermark);
    return furthest;
  }
  bool is_idle(std::size_t partition, timestamp now) const {
    bool is = false;
    for (auto i = heard_before_start_; i != marks_.size(); ++i) {
      const auto& m = marks_[i];
      if (m.from != partition || m.kind == moved_kind::end) continue;
      is = m.kind == moved_kind::idle && now < m.heard_at + idle_for;
    }
    return is;
  }
  bool has_ended(std::size_t partition) const {
    bool has = false;
    for (const auto& m : marks_) {
      if (m.from != partition || m.kind == moved_kind::idle) continue;
      has = m.kind == moved_kind::end;
    }
    return has;
  }
  bool have_all_ended() const {
    for (std::size_t p = 0; p != upstream_; ++p)
      if (!has_ended(p)) return false;
    return true;
  }
  /// The smallest of those that are not idle; of all being idle, the largest.
  timestamp furthest(timestamp now) const {
    std::optional<timestamp> smallest;
    auto largest = timestamp::min();
    for (std::size_t p = 0; p != upstream_; ++p) {
      const auto at = watermark_of(p);
      largest = std::max(largest, at);
      if (!is_idle(p, now)) smallest = std::min(smallest.value_or(at), at);
    }
    return smallest.value_or(largest);
  }

private:
  std::size_t upstream_;
  std::vector<mark> marks_;
  std::size_t heard_before_start_ = 0;
};

/// One end downstream, with the stores of its task.
struct downstream {
  downstream(std::size_t upstream, const cloudflow::testing::memory_stores& stores,
             const cloudflow::clock& time) {
    changes.outputs.emplace_back(static_cast<std::int32_t>(upstream));
    const flow::wiring w{
        {},
        {},
        {},
        {.out = &changes, .stores = &stores, .time = &time, .idle_timeout = idle_timeout}};
    both = std::make_unique<flow::repartition>(w, flow::repartition_ports{}, "s");
  }
  flow::merged_watermark& watermark() { return both->watermark; }
  void save(cloudflow::testing::memory_stores& to) {
    both->save();
    for (const auto& e : changes.state.entries())
      to.values[{e.store, std::string{changes.state.key(e)}}] = changes.state.value(e).value();
    changes.clear();
  }
  /// False: what is stored is not the state of so many partitions.
  bool load() {
    try {
      both->load();
      return true;
    } catch (const cloudflow::stores::storage_failure&) {
      return false;
    }
  }

  flow::changes changes;
  std::unique_ptr<flow::repartition> both;
};

/// One end upstream: what it sends, and what it has sent when it was saved last.
struct upstream {
  explicit upstream(std::int32_t number) : partition(number) {}
  void start() {
    sent.clear();
    sink = {sent, partition};
    sink.load(stored);
    sink.advance(stored);  // as the event time before it does, which is saved with it
  }

  std::int32_t partition;
  flow::outlet_buffer sent{1};
  flow::repartition_sink sink{sent, partition};
  timestamp stored = timestamp::min();
};

class scenario {
public:
  explicit scenario(std::size_t partitions) : said_(partitions), stored_said_(partitions) {
    for (std::size_t p = 0; p != partitions; ++p)
      from_.push_back(std::make_unique<upstream>(static_cast<std::int32_t>(p)));
    start();
  }

  void follow(byte_reader& in) {
    constexpr std::uint8_t kinds = 10;
    const auto what = in.get_byte();
    const auto p = in.get_byte() % from_.size();
    switch (what % kinds) {
      case 0: return advance(p, cloudflow::get_time(in));
      case 1: return mark_idle(p);
      case 2: return finish(p);
      case 3: return send_record(p);
      case 4: return start_upstream(p);
      case 5: return time_.advance(milliseconds{in.get_long() % longest_step});
      case 6: return save();
      case 7: return start();
      case 8: return start_with_partitions(what / kinds % from_.size() + p + 1);
      default: return take_foreign(in.get_text());
    }
  }

private:
  static constexpr std::int64_t longest_step = 10'000;

  // -- upstream ---

  void advance(std::size_t p, timestamp to) {
    from_[p]->sink.advance(to);
    commit(p);
    CLOUDFLOW_ASSERT(said_.watermark_of(p) >= to, "a watermark that was saved is not known");
  }
  void mark_idle(std::size_t p) {
    from_[p]->sink.mark_idle();
    commit(p);
    CLOUDFLOW_ASSERT(said_.is_idle(p, time_.now()), "nobody knows who is idle");
  }
  void finish(std::size_t p) {
    from_[p]->sink.finish();
    commit(p);
    CLOUDFLOW_ASSERT(said_.has_ended(p), "nobody knows whose input has ended");
  }
  void send_record(std::size_t p) {
    from_[p]->sink.put("k", time_.now(), [](byte_writer&) {});
    commit(p);
    CLOUDFLOW_ASSERT(!said_.is_idle(p, time_.now()) && !said_.has_ended(p),
                     "nobody waits for who has sent a record");
  }
  void start_upstream(std::size_t p) {
    from_[p]->start();
    CLOUDFLOW_ASSERT(!from_[p]->sink.save() && from_[p]->sent.size() == 0,
                     "a start without records says something");
  }
  void commit(std::size_t p) {
    auto& from = *from_[p];
    from.sink.save();
    from.stored = from.sink.last_sent_watermark();
    const auto& records = from.sent.by_partition().front();
    for (const auto& e : records.entries())
      if (records.value(e).front() != 0) topic_.emplace_back(records.value(e));
    from.sent.clear();
    read();
  }

  // -- downstream ---

  void read() {
    for (; read_ != topic_.size(); ++read_) take(topic_[read_], to_->watermark(), said_);
  }
  /// What others have written: nothing of it stays.
  void take_foreign(std::string_view bytes) const {
    auto watermark = to_->watermark();
    auto said = said_;
    take(bytes, watermark, said);
  }
  void take(std::string_view bytes, flow::merged_watermark& merged, model& said) const {
    const auto now = time_.now();
    const auto heard = mark_in(bytes, from_.size(), now);
    const auto before = merged.value();
    auto done = effect::none;
    bool is_refused = false;
    try {
      done = merged.take(bytes, now);
    } catch (const std::runtime_error&) {
      is_refused = true;
    }
    CLOUDFLOW_ASSERT(is_refused == !heard, "a mark is refused, or what is none is not");
    CLOUDFLOW_ASSERT(merged.value() >= before, "the watermark goes back");
    CLOUDFLOW_ASSERT((merged.value() > before) == (done == effect::advanced),
                     "the watermark moves and does not say so, or says so and does not");
    if (!heard) return;
    said.hear(*heard);
    CLOUDFLOW_ASSERT(merged.has_changed(), "what was heard will not be saved");
    // The end of an input moves nothing, not even past those who have become idle: windows fire
    // when all have ended.
    const bool is_end = heard->kind == moved_kind::end;
    CLOUDFLOW_ASSERT(merged.value() == (is_end ? before : std::max(before, said.furthest(now))),
                     "the watermark is not that of the partitions which are waited for");
    CLOUDFLOW_ASSERT((done == effect::ended) == (is_end && said.have_all_ended()),
                     "the input has ended without all of its partitions, or has not with them");
  }
  void save() {
    to_->save(disk_);
    stored_said_ = said_;
    stored_value_ = to_->watermark().value();
    stored_read_ = read_;
  }
  /// What was saved is as it was, and what was not is read again.
  void start() {
    to_ = std::make_unique<downstream>(from_.size(), disk_, time_);
    CLOUDFLOW_ASSERT(to_->load(), "what was saved does not load");
    CLOUDFLOW_ASSERT(to_->watermark().value() == stored_value_, "a watermark is loaded as another");
    CLOUDFLOW_ASSERT(!to_->watermark().has_changed(), "what was loaded has changed");
    said_ = stored_said_;
    said_.start();
    read_ = stored_read_;
    read();
  }
  void start_with_partitions(std::size_t count) const {
    downstream other{count, disk_, time_};
    CLOUDFLOW_ASSERT(other.load() == (count == from_.size() || disk_.values.empty()),
                     "the state of other partitions is loaded, or that of its own is not");
  }

  cloudflow::virtual_clock time_;
  cloudflow::testing::memory_stores disk_;
  std::vector<std::unique_ptr<upstream>> from_;
  std::vector<std::string> topic_;  ///< the marks in it
  std::unique_ptr<downstream> to_;
  model said_, stored_said_;
  std::size_t read_ = 0, stored_read_ = 0;
  timestamp stored_value_ = timestamp::min();
};

/// Any bytes as the stored state: refused, or a state that stays what it is, and goes on.
void check_stored(std::size_t partitions, std::string_view bytes) {
  const cloudflow::virtual_clock time;
  cloudflow::testing::memory_stores disk;
  disk.values[{0, "repartition.s"}] = bytes;
  downstream first{partitions, disk, time};
  if (!first.load()) return;
  byte_reader stored{bytes};
  CLOUDFLOW_ASSERT(first.both->sink.last_sent_watermark() == cloudflow::get_time(stored),
                   "what was sent upstream is loaded as something else");
  const auto loaded = first.watermark().value();
  byte_writer written, again;
  first.watermark().encode(written);
  flow::merged_watermark second{partitions, idle_for};
  byte_reader in{written.view()};
  second.decode(in);
  second.encode(again);
  CLOUDFLOW_ASSERT(second.value() == loaded && again.view() == written.view(),
                   "a state is stored as another than was loaded");
  for (std::size_t p = 0; p != partitions; ++p) {
    byte_writer m;
    m.put_long(static_cast<std::int64_t>(moved_kind::watermark));
    m.put_long(static_cast<std::int64_t>(p));
    put_time(m, time.now());
    second.take(m.view(), time.now());
    CLOUDFLOW_ASSERT(second.value() >= loaded, "a watermark that was loaded goes back");
  }
  CLOUDFLOW_ASSERT(second.value() >= time.now(), "a loaded state does not go on");
}

}  // namespace

/// The first byte says how many partitions there are, and whether the rest is stored bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t most_partitions = 4;
  constexpr int most_steps = 100;  // the model looks at all marks each time
  byte_reader in{{reinterpret_cast<const char*>(data), size}};
  const auto first = in.get_byte();
  const auto partitions = first % most_partitions + 1;
  if (first / most_partitions % 4 == 3) {
    check_stored(partitions, in.get_raw(in.remaining()));
    return 0;
  }
  scenario s{partitions};
  for (int left = most_steps; left != 0 && in.remaining() != 0; --left) s.follow(in);
  return 0;
}
