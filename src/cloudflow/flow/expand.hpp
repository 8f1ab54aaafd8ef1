/// expand(): one record becomes very many, processed in parts.
///
/// A part may be committed in the middle of the record: the author's `state` says how far the work
/// has come, and it is made durable together with what has been emitted. The operator takes the
/// record over: with the first commit the record itself is durable here, so that all that was done
/// for it before (a state above, an outlet) and its position may be committed too. After a failure
/// the work goes on from its state.
#pragma once

#include "cloudflow/flow/expansion_queue.hpp"
#include "cloudflow/flow/keyed.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cloudflow {

/// Where an expansion puts its records. They may borrow from what the expansion holds until its
/// next call.
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
  done,  ///< the record is processed
};

/// What happens when an expansion fails: the record is parked (durably), others go on, and it is
/// tried again after a delay that doubles from `first_delay` to `longest_delay`. After
/// `max_attempts` the error is raised.
struct retry {
  int max_attempts = 5;
  std::chrono::milliseconds first_delay{200};
  std::chrono::milliseconds longest_delay{30'000};
};

namespace detail {

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
    /// A record that is being processed.
    struct work {
      expansion_item item;
      std::optional<owned> record{};  ///< none: not decoded yet
    };

    expand_stage settings;
    flow::changes* out;
    const clock* time;
    const flow::quarantine* bad;
    keyed_state<keyed<std::string, state_type>> states;
    std::size_t max_cached;
    expansion_queue queue;
    std::optional<work> current{};  ///< the first that waits; no further record is taken meanwhile
    std::optional<work> resumed{};  ///< was parked: worked on between the others
    expansion_output<output> emitted{};
    /// What may overtake no record that is held: passed on when nothing is held any more.
    std::optional<timestamp> held_watermark{};
    bool has_held_finish = false;

    step operator()(const In& x, const record_info& i) {
      ++out->counted[record_way::expanded];
      queue.push(
          expansion_item{.record = encoded_record(x), .from = i.from->keep(), .time = i.time});
      return step::suspended;
    }

    using link<Next>::on;
    /// What is held further down comes first.
    void on(flow::signals::resume& s) {
      this->next.on(s);
      if (s.result == step::suspended) return;
      if (!current && queue.has_waiting()) current.emplace(work{queue.pop_waiting()});
      if (current && work_on(*current, s.result)) {
        queue.finish(current->item);
        current.reset();
      }
      s.result |= pass_on_held();
      if (holds()) s.result = step::suspended;
    }
    /// Resumes parked records when they are due, one at a time.
    void on(flow::signals::tick& s) {
      if (!resumed)
        if (auto due = queue.pop_due(s.now)) resumed.emplace(work{std::move(*due)});
      if (resumed && work_on(*resumed, s.result)) {
        queue.finish(resumed->item);
        resumed.reset();
      }
      s.is_waiting |= is_parked();
      s.result |= pass_on_held();
      this->next.on(s);
    }
    void on(flow::signals::watermark& s) {
      if (holds())
        held_watermark = s.value;
      else
        this->next.on(s);
    }
    /// The input has ended only when nothing is parked either.
    void on(flow::signals::finish& s) {
      if (!holds() && !is_parked()) return this->next.on(s);
      has_held_finish = true;
      if (holds()) s.result = step::suspended;
    }

    void on(flow::signals::save& s) {
      states.save();
      if (current) queue.save(current->item);
      queue.save();
      this->next.on(s);
    }
    void on(flow::signals::committed& s) {
      if (states.unchanged() > max_cached) states.evict();
      this->next.on(s);
    }
    void on(flow::signals::load& s) {
      states.load();
      queue.load();
      if (queue.has_waiting()) s.result = step::suspended;
      this->next.on(s);
    }

  private:
    static std::string encoded_record(const In& x) {
      byte_writer w;
      codec<owned>::encode(x, w);
      return std::string{w.view()};
    }
    bool holds() const noexcept { return current || queue.has_waiting(); }
    bool is_parked() const noexcept { return resumed || queue.has_parked(); }
    step pass_on_held() {
      auto result = step::go_on;
      if (holds()) return result;
      if (held_watermark) {
        flow::signals::watermark s{*std::exchange(held_watermark, std::nullopt)};
        this->next.on(s);
        result |= s.result;
      }
      if (has_held_finish && !is_parked()) {
        has_held_finish = false;
        flow::signals::finish s;
        this->next.on(s);
        result |= s.result;
      }
      return result;
    }
    /// True if the call is known to fail: the record is rejected instead.
    bool is_left_out(const work& w, std::string_view call) {
      const auto* known = bad->find(w.item.from, call);
      if (known == nullptr) return false;
      ++out->counted[record_way::expanded_into];
      ++out->counted[record_way::rejected];
      out->rejected.push_back({w.item.from, known->reason});
      return true;
    }
    /// What came before it with the same key is parked: it is parked behind that, and the records
    /// of a key keep their order.
    bool waits_for_another(const expansion_item& item) {
      if (!queue.is_behind_another(item)) return false;
      queue.park(item, time->now());
      return true;
    }
    /// One call of the author's function; true when the record needs no further one. Calls are told
    /// from each other by the record and the state that they start from; that for the key by the
    /// record alone.
    bool work_on(work& w, step& result) {
      out->at_work = &w.item.from;
      const auto is_done = call_for(w, result);
      out->at_work = nullptr;
      return is_done;
    }
    bool call_for(work& w, step& result) {
      const auto who = [&w] { return w.item.from; };
      if (!w.record) {
        if (!bad->empty() && is_left_out(w, w.item.record)) return true;
        w.record.emplace(decoded<owned>(w.item.record));
        flow::blame([&] { w.item.key = settings.expansion.key(borrowed(*w.record)); }, who,
                    [&w] { return w.item.record; });
        if (waits_for_another(w.item)) return true;
      }
      auto& c = states.at(w.item.key);
      const auto before = c.row.value;
      const auto call = [&] { return w.item.record + encoded(before); };
      if (!bad->empty() && is_left_out(w, call())) return true;
      return flow::blame([&] { return advance(w, c, result); }, who, call);
    }
    bool advance(work& w, auto& cell, step& result) {
      const flow::origin origin{&w.item.from, expansion_item::keep};
      const record_info info{w.item.time, &origin};
      const auto progress = settings.expansion.advance(cell.row.value, *w.record, emitted);
      states.touch(cell);
      for (const auto& x : emitted.records()) {
        ++out->counted[record_way::expanded_into];
        result |= this->next(x, info);
      }
      emitted.records().clear();
      if (progress.has_value()) return progress.value() == expansion_progress::done;
      if (!progress.error().is_retriable() || w.item.attempts + 1 >= settings.policy.max_attempts) {
        ++out->counted[record_way::expanded_into];
        this->next.raise(progress.error(), info);
      } else {
        const auto delay = delay_of(settings.policy, w.item.attempts++);
        queue.park(w.item, time->now() + delay);
      }
      return true;
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
    const auto index = w.state(store.member, store.name,
                               {.key_schema = codec<std::string>::schema_text,
                                .window = {},
                                .parked_schema = codec<owned>::schema_text});
    keyed_state<keyed<std::string, state_type>> states{
        &w.out().state, &w.stores(), index, {}, {{}, initial}};
    return {{std::move(next)}, std::move(*this),
            &w.out(),          &w.time(),
            &w.bad(),          std::move(states),
            w.max_cached(),    expansion_queue{&w.out().state, &w.stores(), w.parked_store(index)}};
  }
};

}  // namespace detail
}  // namespace cloudflow
