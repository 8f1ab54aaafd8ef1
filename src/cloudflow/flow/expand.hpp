/// expand(): one record becomes very many, worked off in parts.
///
/// A part may be committed in the middle of the record: the author's `state` says how far the work has come, and it
/// is made durable together with what has been emitted. The position of the record's own partition moves on only when
/// the work is done, so after a failure the same record comes again and the work goes on from its state.
#pragma once

#include "cloudflow/flow/keyed.hpp"

#include <algorithm>
#include <chrono>
#include <deque>

namespace cloudflow {

/// Where an expansion puts its records. They may borrow from what the expansion holds until its next call.
template <class Output>
class expansion_output {
public:
  void emit(Output x) { records_.push_back(std::move(x)); }

  /// -- used by the operator and by tests ---
  std::vector<Output>& records() noexcept { return records_; }

private:
  std::vector<Output> records_;
};

enum class expansion_progress {
  more,  ///< call again
  done,  ///< the record is worked off
};

/// What happens when an expansion fails: the record is set aside (durably), others go on, and it is tried again
/// after a delay that doubles from `first_delay` to `longest_delay`. After `max_attempts` the error is raised.
struct retry {
  int max_attempts = 5;
  std::chrono::milliseconds first_delay{200};
  std::chrono::milliseconds longest_delay{30'000};
};

namespace detail {

/// A record of an inlet, kept beyond its batch. Movable; views stay valid.
class kept_record {
public:
  kept_record() = default;
  kept_record(kept_record&&) noexcept = default;
  kept_record& operator=(kept_record&&) noexcept = default;

  void keep(const record_view& r);
  const record_view& view() const noexcept { return view_; }

private:
  std::vector<char> bytes_;  // no string: a short one does not stay where it is
  std::vector<header_view> headers_;
  record_view view_;
};

/// A record that was set aside.
struct parked_record {
  std::string record;  ///< encoded
  std::size_t inlet = 0;
  /// What came in, but for its value: that is `record`.
  std::optional<std::string> key{};
  std::vector<std::pair<std::string, std::string>> headers{};
  record_offset offset{};
  timestamp time{};
  std::int64_t attempts = 0;
  timestamp due{};
  std::uint64_t id = 0;

  static parked_record of(const record_view& origin, std::string record);
  void restore(kept_record& origin) const;
  std::string encode() const;
  static parked_record decode(std::uint64_t id, std::string_view bytes);
  static std::string key_of(std::uint64_t id);
  static std::uint64_t id_of(std::string_view key);
};
std::chrono::milliseconds delay_of(const retry& policy, std::int64_t attempts) noexcept;

template <class Expansion, class In>
struct expand_stage : stage_base {
  using state_type = typename Expansion::state;
  using output = typename Expansion::output;
  using owned = owned_of<In>;
  store_ref store;
  state_type initial;
  Expansion expansion;
  retry policy;

  template <class Next>
  struct op : link<Next> {
    /// A record that is being worked off, and the record of the inlet that it came as.
    struct work {
      owned record;
      std::string key;
      kept_record origin{};
      std::size_t inlet = 0;
      std::int64_t attempts = 0;
      std::uint64_t parked_id = 0;

      record_info info() const { return {{}, &origin.view(), inlet}; }
    };

    expand_stage settings;
    flow::changes* out;
    const flow::store_reader* stores;
    const clock* time;
    std::size_t parked_store;
    keyed_state<keyed<std::string, state_type>> states;
    std::size_t max_cached;
    std::optional<work> current{};  ///< from the inlet: it waits for this one
    std::optional<work> revived{};  ///< was set aside: worked on between the others
    std::deque<parked_record> parked{};
    std::uint64_t next_id = 0;
    expansion_output<output> emitted{};

    void operator()(const In& x, const record_info& i) {
      current.emplace(
          work{.record = to_owned(x), .key = settings.expansion.key(x), .inlet = i.inlet});
      if (i.origin != nullptr) current->origin.keep(*i.origin);
      proceed();
    }
    void resume() {
      if (current) proceed();
      this->next.resume();
    }
    /// Takes up what was set aside, one record at a time, when its time has come.
    bool tick(timestamp now) {
      if (!revived) revive(now);
      if (revived && work_on(*revived)) {
        out->state.remove(parked_store, parked_record::key_of(revived->parked_id));
        revived.reset();
      }
      const bool is_waiting = revived || !parked.empty();
      return this->next.tick(now) || is_waiting;
    }

    void save(flow::changes& to) {
      states.save();
      this->next.save(to);
    }
    void committed() {
      if (states.unchanged() > max_cached) states.evict();
      this->next.committed();
    }
    void load() {
      states.load();
      stores->scan(parked_store, {}, [&](std::string_view key, std::string_view value) {
        parked.push_back(parked_record::decode(parked_record::id_of(key), value));
        next_id = parked.back().id + 1;
        return true;
      });
      this->next.load();
    }

  private:
    void proceed() {
      out->is_suspended = !work_on(*current);
      if (!out->is_suspended) current.reset();
    }
    void revive(timestamp now) {
      const auto due =
          std::find_if(parked.begin(), parked.end(), [now](const auto& p) { return p.due <= now; });
      if (due == parked.end()) return;
      auto record = decoded<owned>(due->record);
      auto key = settings.expansion.key(borrowed(record));
      revived.emplace(
          work{.record = std::move(record), .key = std::move(key), .inlet = due->inlet});
      due->restore(revived->origin);
      revived->attempts = due->attempts;
      revived->parked_id = due->id;
      parked.erase(due);
    }
    /// One call of the author's function; true when the record needs no further one.
    bool work_on(work& w) {
      auto& c = states.at(w.key);
      const auto progress = settings.expansion.advance(c.row.value, w.record, emitted);
      states.touch(c);
      for (const auto& x : emitted.records()) this->next(x, w.info());
      emitted.records().clear();
      if (progress.has_value()) return progress.value() == expansion_progress::done;
      if (!progress.error().is_retriable() || w.attempts + 1 >= settings.policy.max_attempts)
        this->next.raise(progress.error(), w.info());
      else
        set_aside(w);
      return true;
    }
    void set_aside(const work& w) {
      auto p = parked_record::of(w.origin.view(), encoded(w.record));
      p.inlet = w.inlet;
      p.attempts = w.attempts + 1;
      p.due = time->now() + delay_of(settings.policy, w.attempts);
      p.id = next_id++;
      out->state.put(parked_store, parked_record::key_of(p.id), p.encode());
      parked.push_back(std::move(p));
    }
    static decltype(auto) borrowed(const owned& record) {
      if constexpr (std::same_as<In, owned>)
        return (record);
      else
        return codec<owned>::borrow(record);
    }
  };

  template <class Next>
  op<Next> bind(Next next, flow::wiring& w) {
    const auto index = w.state(store.member, store.name, {codec<std::string>::schema_text, {}});
    keyed_state<keyed<std::string, state_type>> states{
        &w.out(), &w.stores(), index, {}, {{}, initial}};
    return {{std::move(next)}, std::move(*this),      &w.out(),          &w.stores(),
            &w.time(),         w.parked_store(index), std::move(states), w.max_cached()};
  }
};

}  // namespace detail
}  // namespace cloudflow
