/// key_by() through an internal topic: the records of a key come from all partitions of an inlet
/// into one task.
///
/// The chain is cut at key_by(). Upstream, every task writes its records into the topic, by key,
/// and with each commit how far its watermark is, into every partition. Records whose key is its
/// own need not move. Downstream, the task of a partition goes on where the record was handed in;
/// its watermark is the smallest of all upstream tasks. Both halves are in one program: the topic
/// is one more outlet and one more inlet of it. Where the plan has no such topic the stage hands
/// every record straight on.
#pragma once

#include "cloudflow/flow/keyed.hpp"
#include "cloudflow/flow/moved_key.hpp"

#include <chrono>
#include <concepts>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflow::flow {

/// What a value in the topic is: the branch of an Avro union.
///
///     record     event time in ms, the record
///     watermark  upstream partition, its watermark in ms: it takes part again, if it was idle
///                or had ended
///     idle       upstream partition: it has nothing to read; nobody need wait for it for a while
///     end        upstream partition: its input has ended, for the time being
enum class moved_kind : std::int8_t { record, watermark, idle, end };

/// The schema of the values, around that of the records.
std::string moved_schema_of(std::string_view record_schema);

/// The upstream end in one task. Confined to one thread.
class repartition_sink {
public:
  /// `partition`: of the task, which is the number of its inlet's partition.
  repartition_sink(outlet_buffer& to, std::int32_t partition) : to_(&to), partition_(partition) {}

  /// False: the record belongs to this task. Otherwise `write` appends it.
  template <stores::appends_bytes Write>
  bool put(std::string_view key, timestamp time, Write&& write) {
    if (!is_active_) [[unlikely]]
      send_watermark();  // before the record: others must wait for this partition again
    const auto home = to_->partition_for(key);
    if (home == static_cast<std::size_t>(partition_)) return false;
    to_->append_to(home, key, [&](byte_writer& w) {
      w.put_long(static_cast<std::int64_t>(moved_kind::record));
      put_time(w, time);
      write(w);
    });
    return true;
  }
  byte_writer& key_space() noexcept { return to_->key_space(); }
  void advance(timestamp watermark) noexcept { watermark_ = watermark; }
  void mark_idle();
  void finish();
  /// To be called with each save: behind the records that the commit holds. True when it has sent
  /// something new.
  bool save();
  /// The last sent watermark is durable with the task's state: sending it again would revoke an
  /// end-of-input marker.
  timestamp last_sent_watermark() const noexcept { return last_sent_watermark_; }
  void load(timestamp sent) noexcept { last_sent_watermark_ = sent; }

private:
  void send_watermark();
  void send(moved_kind kind);

  outlet_buffer* to_;
  std::int32_t partition_;
  timestamp watermark_ = timestamp::min(), last_sent_watermark_ = timestamp::min();
  bool is_active_ = false;            ///< the last marker sent since the start is a watermark
  bool has_pending_markers_ = false;  ///< since the last save
};

/// The watermark of a task downstream: the minimum over all upstream partitions,
/// heard of or not, but for the idle ones. It is durable with the task's state and never goes back.
///
/// Who is idle says so again and again: after a start, and when it has been silent for `idle_for`,
/// it is waited for. Confined to one thread.
class merged_watermark {
public:
  merged_watermark(std::size_t upstream, std::chrono::milliseconds idle_for)
    : upstream_(upstream), idle_for_(idle_for) {}

  enum class effect : std::int8_t { none, advanced, ended };
  /// Takes a mark. `ended`: the last that every partition has said is that its input has ended.
  /// Throws std::runtime_error for what is no mark, or of a partition that is not there.
  effect take(std::string_view value, timestamp now);
  /// timestamp::min(): one that is waited for has said nothing yet.
  timestamp value() const noexcept { return value_; }
  /// Since the last encode().
  bool has_changed() const noexcept { return has_changed_; }
  void encode(byte_writer& to);
  /// Throws stores::storage_failure.
  void decode(byte_reader& stored);

private:
  struct partition {
    timestamp watermark = timestamp::min(), idle_until = timestamp::min();
    bool has_ended = false;
  };
  bool has_ended() const noexcept;
  bool is_idle(timestamp now) const noexcept;
  bool advance(timestamp now);

  std::vector<partition> upstream_;
  std::chrono::milliseconds idle_for_;
  timestamp value_ = timestamp::min();
  bool has_changed_ = false;
};

/// Both ends in one task, and where the downstream one keeps its watermark.
struct repartition {
  repartition(const wiring& w, const repartition_ports& place, std::string_view state);

  void load();
  void save();

  std::size_t inlet;
  changes* out;
  const clock* time;
  repartition_sink sink;
  merged_watermark watermark;

private:
  const stores::store_reader* stores_;
  std::size_t store_;
  std::string store_key_;
};

}  // namespace cloudflow::flow

namespace cloudflow::detail {

/// Records that can be moved: their bytes have a schema.
template <class In>
concept movable = encodable<owned_of<In>> && codec<owned_of<In>>::schema_format == "avro";

template <class KeyFn, class In, bool Timed>
struct repartition_stage : stage_base {
  static constexpr bool keeps_record = true;
  using owned = owned_of<In>;
  KeyFn key_of;
  std::string_view inlet_field;  ///< see moved_record
  store_ref store;

  template <class Next>
  struct op : link<Next> {
    KeyFn key_of;
    std::unique_ptr<flow::repartition> cut;  ///< null: records stay in this task
    const std::atomic<bool>* must_leave;

    // -- upstream ---

    step operator()(const In& x, const record_info& i) {
      if (!cut) [[likely]]
        return this->next(x, i);
      auto& sink = cut->sink;
      const auto& key = std::invoke(key_of, x);
      const bool moves = sink.put(moved_key_of(key, sink.key_space()), i.time,
                                  [&x](byte_writer& w) { codec<owned>::encode(x, w); });
      if (!moves) return this->next(x, i);
      ++cut->out->counted[record_way::moved];
      return step::go_on;
    }
    using link<Next>::on;
    void on(flow::signals::watermark& s) {
      if (cut)
        cut->sink.advance(s.value);
      else
        this->next.on(s);
    }
    void on(flow::signals::idle& s) {
      if (!cut)
        this->next.on(s);
      else if constexpr (Timed)
        cut->sink.mark_idle();
    }
    void on(flow::signals::finish& s) {
      if (cut)
        cut->sink.finish();
      else
        this->next.on(s);
    }

    // -- downstream ---

    void on(flow::signals::moved& s) {
      if (!cut || s.records.inlet != cut->inlet) return this->next.on(s);
      const auto& b = s.records;
      view_of<owned> v{};
      flow::record_call at{&b, nullptr};
      const flow::origin origin{&at, flow::record_call::keep};
      s.result = flow::for_each_record(b, *must_leave, [&](const record_view& r) {
        at.record = &r;
        byte_reader in{r.value};
        if (in.get_byte() != 0) return take_mark(r.value);
        const auto time = get_time(in);
        if (!codec<owned>::decode(in.get_raw(in.remaining()), v)) [[unlikely]]
          throw std::runtime_error("not a record of the schema of this repartition topic");
        return hand_in(v, record_info{time, &origin});
      });
    }
    /// With event time, what comes next knows who is idle: its watermark is that of the others.
    void on(flow::signals::moved_idle& s) {
      if (!cut || s.inlet != cut->inlet) {
        this->next.on(s);
      } else if constexpr (!Timed) {
        flow::signals::idle idle;
        this->next.on(idle);
      }
    }

    // -- durability ---

    void on(flow::signals::save& s) {
      this->next.on(s);
      if (cut) cut->save();
    }
    void on(flow::signals::load& s) {
      this->next.on(s);
      if (!cut) return;
      cut->load();
      if (cut->watermark.value() != timestamp::min()) s.result |= advance();
    }

  private:
    step hand_in(const view_of<owned>& v, const record_info& i) {
      if constexpr (std::same_as<view_of<owned>, In>)
        return this->next(v, i);
      else
        return this->next(codec<owned>::own(v), i);
    }
    step advance() {
      flow::signals::watermark s{cut->watermark.value()};
      this->next.on(s);
      return s.result;
    }
    /// A window that fires now has its own origin: this mark is never to blame for it.
    [[gnu::noinline]] step take_mark(std::string_view value) {
      using effect = flow::merged_watermark::effect;
      ++cut->out->counted[record_way::mark];
      const auto done = cut->watermark.take(value, cut->time->now());
      if (done == effect::advanced) return advance();
      if (done != effect::ended) return step::go_on;
      flow::signals::finish s;
      this->next.on(s);
      return s.result;
    }
  };

  template <class Next>
  auto bind(Next next, flow::wiring& w) {
    if constexpr (!movable<In>) {
      w.moves(store.member, {raw_type_name<In>(), {}, {}, inlet_field});
      return next;
    } else {
      const auto* place = w.moves(store.member, {raw_type_name<In>(), codec<owned>::schema_name,
                                                 codec<owned>::schema_text, inlet_field});
      std::unique_ptr<flow::repartition> cut;
      if (place != nullptr) cut = std::make_unique<flow::repartition>(w, *place, store.name);
      return op<Next>{{std::move(next)}, std::move(key_of), std::move(cut), &w.must_leave()};
    }
  }
};

}  // namespace cloudflow::detail
