/// Operators with state by key, without windows: fold and distinct.
#pragma once

#include "cloudflow/flow/operators.hpp"
#include "cloudflow/state/keyed_state.hpp"

namespace cloudflow {

/// The value of a key after a record has changed it.
template <class Key, class Value>
struct keyed {
  Key key;
  Value value;
};

namespace detail {

/// Which member of the streamlet a stage keeps its state in.
struct store_ref {
  const void* member;
  std::string_view name;
};

/// A link with state by key: what changed is saved with each commit.
template <class Key, class Value, class Next>
struct keyed_link : link<Next> {
  keyed_state<keyed<Key, Value>> state;
  std::size_t max_cached;
  using link<Next>::on;
  void on(flow::signals::load& s) {
    state.load();
    this->next.on(s);
  }
  void on(flow::signals::save& s) {
    state.save();
    this->next.on(s);
  }
  void on(flow::signals::committed& s) {
    if (state.unchanged() > max_cached) state.evict();
    this->next.on(s);
  }
};
template <class Key, class Value, class Next>
keyed_link<Key, Value, Next> keyed_link_of(Next next, const store_ref& store, Value initial,
                                           flow::wiring& w) {
  const auto index = w.state(store.member, store.name, {codec<Key>::schema_text, {}});
  return {{std::move(next)},
          {&w.out().state, &w.stores(), index, {}, {{}, std::move(initial)}},
          w.max_cached()};
}

/// fold() on a keyed stream: the new value after every record.
template <class KeyFn, class Key, class Acc, class F, class In>
struct fold_stage : stage_base {
  KeyFn key_of;
  store_ref store;
  Acc initial;
  F fn;
  template <class Next>
  struct op : keyed_link<Key, Acc, Next> {
    fold_stage settings;
    step operator()(const In& x, const record_info& i) {
      auto& c = this->state.at(std::invoke(settings.key_of, x));
      std::invoke(settings.fn, c.row.value, x);
      this->state.touch(c);
      return this->next(std::as_const(c.row), i);
    }
  };
  template <class Next>
  op<Next> bind(Next next, flow::wiring& w) {
    return {keyed_link_of<Key>(std::move(next), store, initial, w), std::move(*this)};
  }
};

/// distinct() on a keyed stream: only the first record of every key goes on; its time is
/// remembered.
template <class KeyFn, class Key, class In>
struct distinct_stage : stage_base {
  static constexpr bool keeps_record = true;
  KeyFn key_of;
  store_ref store;
  template <class Next>
  struct op : keyed_link<Key, timestamp, Next> {
    distinct_stage settings;
    record_balance* count;
    step operator()(const In& x, const record_info& i) {
      auto& c = this->state.at(std::invoke(settings.key_of, x));
      if (c.row.value != timestamp::min()) {
        ++(*count)[record_way::duplicate];
        return step::go_on;
      }
      c.row.value = i.time;
      this->state.touch(c);
      return this->next(x, i);
    }
  };
  template <class Next>
  op<Next> bind(Next next, flow::wiring& w) {
    return {keyed_link_of<Key>(std::move(next), store, timestamp::min(), w), std::move(*this),
            &w.out().counted};
  }
};

}  // namespace detail
}  // namespace cloudflow
