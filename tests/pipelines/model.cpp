#include "cloudflow/base/hash.hpp"
#include "world.hpp"

#include <algorithm>
#include <utility>

namespace cloudflow::pipelines {

namespace {

/// Thrown where the policy says that nothing goes on.
struct stopped {
  bool was_taken_over = false;  ///< what was done for the record before may be durable
};

class machine {
public:
  machine(const pipeline& p, const circumstances& c, bool parks)
    : pipeline_(&p), given_(c), parks_(parks) {
    for (const auto& o : p.outlets) world_.seen.outlets[o.name];
    look_at_order(p.ops);
  }

  void take(const input_record& r, std::size_t number) {
    origin from{r.partition, "in/" + std::to_string(r.partition) + "/" + std::to_string(r.offset) +
                                 " " + r.what.id};
    if (pipeline_->has_source) from = {0, "source/" + r.what.id, origin_kind::source, number};
    if (r.is_garbage) return blame(from);
    attempt(from, [&] { go(start(), {r.what, 0, true}, from); });
    settle();
  }
  void finish() {
    settle();
    if (planted() == mistake::forgets_retries) world_.parked.clear();
    while (!world_.parked.empty()) {
      const auto p = world_.parked.front();
      world_.parked.pop_front();
      retry(p);
      settle();
    }
    finish(start());
  }
  /// A task that stops at a record goes on with what it has parked before, from one restart to the
  /// next, and may come to the end of it.
  void go_on_with_parked() {
    while (!world_.parked.empty()) {
      const auto p = world_.parked.front();
      world_.parked.pop_front();
      try {
        retry(p);
        settle();
      } catch (const stopped&) {
        world_.moved.clear();
        world_.waiting.clear();
        world_.holding.clear();
      }
    }
  }
  expectation result() && {
    auto& e = world_.seen;
    for (const auto& [stage, totals] : world_.totals)
      for (const auto& [key, t] : totals)
        e.states[states_[stage]][key] =
            std::to_string(t.first.count) + " " + std::to_string(t.first.sum);
    for (const auto& [stage, keys] : world_.known)
      for (const auto& key : keys) e.states[states_[stage]][key] = "";
    e.possible_effects = possible_effects_;
    return std::move(e);
  }

private:
  place start() const { return {&pipeline_->ops, 0}; }
  bool moves() const { return given_.partitions > 1 && !pipeline_->has_source; }
  /// Everything comes in one known order.
  bool is_exact() const { return !moves() && !parks_; }

  // -- order ---

  /// From which stage on it is not known in which order the rows of a key come.
  /// Windows that fire together do so in no order of their keys: one that a map gives to the rows
  /// of several has none.
  void look_at_order(const chain& ops, bool is_known = true, bool has_windows = false) {
    for (const auto& o : ops) {
      is_ordered_[o.stage] = is_known;
      if (o.name == "map" && o.stage % 2 == 1 && has_windows) is_known = false;
      has_windows = has_windows || o.name.starts_with("window");
      if (o.name == "expand" && parks_) is_known = false;
      if (moves() && ((o.name == "map" && o.stage % 2 == 1) || o.name == "distinct" ||
                      o.name.starts_with("window")))
        is_known = false;
      if (!o.branch.empty()) look_at_order(o.branch, is_known, has_windows);
    }
  }

  // -- blame ---

  /// `is_taken_over`: the record is in an expansion, and durable there.
  template <class F>
  void attempt(const origin& from, F f, bool is_taken_over = false) {
    const auto before = world_;
    try {
      f();
    } catch (const stopped& s) {
      if (!s.was_taken_over) world_ = before;
      throw stopped{s.was_taken_over || is_taken_over};
    } catch (...) {
      if (planted() != mistake::half_a_record_stays) world_ = before;
      if (from.what == origin_kind::source && !is_taken_over && can_be_refused(from.number))
        refuse(from);
      else
        blame(from, is_taken_over);
    }
  }
  /// Whoever waits for the record is told: nobody else needs to know. Where nobody can be told it
  /// is a dead letter.
  void refuse(const origin& from) {
    if (planted() != mistake::answers_refused) world_.seen.refused.insert(from.number);
  }
  void blame(const origin& from, bool was_taken_over = false) {
    if (from.what == origin_kind::inlet) {
      if (given_.on_bad_record == policy::fail) throw stopped{was_taken_over};
      if (given_.on_bad_record == policy::skip) return;
    }
    if (planted() == mistake::forgets_letters && ++letters_ % 3 == 0) return;
    world_.seen.letters.push_back(from.letter);
    if (planted() == mistake::blames_next_record) world_.seen.letters.back() += "1";
  }
  void raise(const op& o, const row& r, const origin& from) {
    if (o.port == "function")
      effect(r.id);
    else if (o.port == "letter")
      blame(from);
    else
      write(o.port, {{r.id, r.key, 0, r.value, {}, 0}, 0, true}, o);
  }

  // -- what can be seen ---

  void write(const std::string& outlet, const live& x, const op& o) {
    if (x.what.id.size() >= too_large && planted() != mistake::knows_no_limit)
      throw std::length_error{x.what.id};
    auto& to = world_.seen.outlets[outlet];
    to.rows.push_back({x.what, x.has_trace});
    to.is_ordered = is_ordered_[o.stage];
  }
  void effect(const std::string& id) {
    world_.seen.effects.insert(id);
    possible_effects_.insert(id);
  }

  // -- one operator after the other ---

  void go(const place& p, const live& x, const origin& from) {
    if (p.is_end()) return;
    const auto& o = p.it();
    const auto on = [&](row r) { go(p.next(), {std::move(r), x.time, x.has_trace}, from); };
    if (o.name == "map") return on(mapped(x.what, o.stage));
    if (o.name == "map-function" || o.name == "map-outlet" || o.name == "map-letter") {
      if (is_refused(x.what, o.stage)) return raise(o, x.what, from);
      return on(accepted(x.what, o.stage));
    }
    if (o.name == "filter") {
      if (is_kept(x.what, o.stage) || planted() == mistake::keeps_all) on(x.what);
      return;
    }
    if (o.name == "flat-map") {
      for (const auto& r : several(x.what, o.stage)) on(r);
      return;
    }
    if (o.name == "owned") return on(x.what);
    if (o.name == "expand") return begin(p, x, from);
    if (o.name == "event-time") return stamp(p, x, from);
    if (o.name.starts_with("split-")) return split(p, x, from);
    if (o.name == "to") return write(o.port, x, o);
    if (o.name == "also-to") {
      write(o.port, x, o);
      return on(x.what);
    }
    if (o.name == "for-each") {
      strike(x.what, o.stage);
      return effect(x.what.id);
    }
    keyed(p, x, from);
  }
  void split(const place& p, const live& x, const origin& from) {
    const auto& o = p.it();
    const bool is_first =
        (branch_of(x.what, o.stage) == 0) == (planted() != mistake::swaps_branches);
    if (o.name == "split-outlets") {
      const auto comma = o.port.find(',');
      write(is_first ? o.port.substr(0, comma) : o.port.substr(comma + 1), x, o);
    } else if (is_first) {
      go({&o.branch, 0}, x, from);
    } else if (is_kept(x.what, 0)) {
      write(o.port, x, o);
    }
  }

  /// Whatever comes of a record is handed on before the first part of it is expanded.
  void begin(const place& p, const live& x, const origin& from) {
    world_.waiting.push_back({p, x, from, 0});
    ++world_.holding[p.it().stage];
  }
  void expand_waiting() {
    while (!world_.waiting.empty()) {
      const auto it = world_.waiting.front();
      world_.waiting.pop_front();
      if (is_behind_another(it))
        world_.parked.push_back(it);
      else
        expand(it, [this](const auto& again) { world_.parked.push_back(again); });
      const auto stage = it.at.it().stage;
      if (--world_.holding[stage] == 0)
        if (const auto held = world_.held_watermarks.extract(stage))
          advance(it.at.next(), held.mapped());
    }
  }
  /// The records of a key keep their order: one waits behind another that is parked.
  bool is_behind_another(const parked_row& it) const {
    return std::any_of(world_.parked.begin(), world_.parked.end(), [&](const auto& q) {
      return q.at.it().stage == it.at.it().stage && q.x.what.id == it.x.what.id;
    });
  }
  void retry(const parked_row& it) {
    expand(it, [this](const auto& again) { world_.parked.push_front(again); });
  }
  /// An expansion takes a record over: what was done for it before stays, and each call stands for
  /// itself.
  template <class Park>
  void expand(const parked_row& it, Park park) {
    bool goes_on = true;
    const auto others = std::exchange(world_.waiting, {});
    while (goes_on) {
      goes_on = false;
      attempt(
          it.from, [&] { goes_on = call(it, park); }, true);
      expand_waiting();  // further down
    }
    world_.waiting = others;
  }
  /// True: there are more calls to come.
  template <class Park>
  bool call(const parked_row& it, Park park) {
    const auto& [p, x, from, attempts] = it;
    const auto& o = p.it();
    strike_key(x.what, o.stage);
    auto& done = world_.progress[o.stage][x.what.id];
    std::vector<row> parts;
    const auto end = work_on(x.what, o.stage, done, [&](const row& r) { parts.push_back(r); });
    if (planted() == mistake::drops_last_part && end == call_end::done && !parts.empty())
      parts.pop_back();
    if (planted() == mistake::doubles_a_part && done == 2 && !parts.empty())
      parts.push_back(parts.back());
    for (const auto& r : parts) go(p.next(), {r, x.time, x.has_trace}, from);
    if (end == call_end::fails_for_now && attempts + 1 < max_attempts)
      park(parked_row{p, x, from, attempts + 1});
    else if (end == call_end::fails_for_now || end == call_end::fails)
      raise(o, x.what, from);
    return end == call_end::more;
  }

  void stamp(const place& p, const live& x, const origin& from) {
    const auto& o = p.it();
    strike(x.what, o.stage);
    const auto at = x.what.time - given_.settings.bound_ms;
    auto& clock = world_.clocks.try_emplace(o.stage, beginning_of_time).first->second;
    if (at > clock) {
      clock = at;
      if (is_exact()) advance(p.next(), at);
    }
    go(p.next(), {x.what, x.what.time, x.has_trace}, from);
  }

  // -- by key ---

  void keyed(const place& p, const live& x, const origin& from) {
    const auto& o = p.it();
    if (!moves() && o.name.starts_with("window") && is_too_late(o, x)) return drop_late(o, x);
    strike_key(x.what, o.stage);
    states_[o.stage] = state_of(o);
    const auto& key = o.name == "distinct" ? x.what.id : x.what.key;
    if (moves()) {
      const auto home = partition_of(key, given_.partitions);
      if (home != from.partition) {
        world_.moved.push_back({p, x, home});
        return;
      }
    }
    if (o.name == "fold") return fold(p, x, from);
    if (o.name == "distinct") {
      if (!world_.known[o.stage].insert(key).second && planted() != mistake::knows_nobody) return;
      return go(p.next(), {x.what, x.time, x.has_trace && is_ordered_[o.stage]}, from);
    }
    count(p, x);
  }
  void fold(const place& p, const live& x, const origin& from) {
    auto& [t, has_trace] =
        world_.totals[p.it().stage].try_emplace(x.what.key, total{}, true).first->second;
    if (planted() == mistake::loses_state && t.count == 3) t = {};
    fold_into(t, x.what, p.it().stage);
    has_trace = has_trace && x.has_trace && is_ordered_[p.it().stage];
    go(p.next(), {row_of_fold(x.what.key, t), x.time, has_trace}, from);
  }

  // -- windows ---

  static std::int64_t start_of(std::int64_t t) {
    return t - (t % window_ms + window_ms) % window_ms;
  }
  std::int64_t lateness_of(const op& o) const {
    return o.name == "window-late" ? given_.settings.lateness_ms : 0;
  }
  bool is_gone(const op& o, std::int64_t start, std::int64_t watermark) const {
    return lateness_of(o) >= 0 && watermark != beginning_of_time &&
           start + window_ms + lateness_of(o) <= watermark;
  }
  std::int64_t& watermark_of(const op& o) {
    return world_.watermarks.try_emplace(o.stage, beginning_of_time).first->second;
  }

  bool is_too_late(const op& o, const live& x) {
    return is_gone(o, start_of(x.time), watermark_of(o)) && planted() != mistake::counts_late_rows;
  }
  /// Nobody asks for its key.
  void drop_late(const op& o, const live& x) {
    if (o.name == "window-late") write(o.port.substr(0, o.port.find(':')), x, o);
  }
  void count(const place& p, const live& x) {
    const auto& o = p.it();
    const auto start = start_of(x.time);
    const auto watermark = watermark_of(o);
    if (is_too_late(o, x)) return drop_late(o, x);
    auto& w = world_.windows[o.stage][{start, x.what.key}];
    count_into(w.value, x.what, o.stage);
    w.has_trace = w.has_trace && x.has_trace;
    const bool is_late = watermark != beginning_of_time && start + window_ms <= watermark;
    w.must_fire = !is_late;
    if (is_late) emit(p, {start, x.what.key}, w);
  }
  static live row_at(const std::string& key, std::int64_t start, const window& w) {
    return {row_of_window(key, start, w.value), start + window_ms - 1, w.has_trace};
  }
  /// A window that fires is its own origin: nobody else is to blame for it.
  void fire(const place& p, const window_id& id) {
    auto& w = world_.windows[p.it().stage][id];
    if (std::exchange(w.must_fire, false)) emit(p, id, w);
  }
  void emit(const place& p, const window_id& id, const window& w) {
    const auto x = row_at(id.second, id.first, w);
    const origin from{pipeline_->has_source ? 0 : partition_of(id.second, given_.partitions),
                      window_state_of(p.it()) + "/" + x.what.id, origin_kind::window};
    if (planted() == mistake::forgets_windows && windows_++ % 3 == 0) return;
    attempt(from, [&] { go(p.next(), x, from); });
    if (planted() == mistake::fires_twice && windows_++ % 3 == 0)
      attempt(from, [&] { go(p.next(), x, from); });
  }
  void advance(place p, std::int64_t watermark) {
    for (; !p.is_end(); p = p.next()) {
      const auto& o = p.it();
      if (!o.branch.empty()) advance({&o.branch, 0}, watermark);
      if (world_.holding[o.stage] != 0) {
        world_.held_watermarks[o.stage] = watermark;
        return;
      }
      if (!o.name.starts_with("window")) continue;
      watermark_of(o) = watermark;
      for (const auto& id : ids_of(o))
        if (id.first + window_ms <= watermark) fire(p, id);
      std::erase_if(world_.windows[o.stage],
                    [&](const auto& w) { return is_gone(o, w.first.first, watermark); });
    }
  }
  void finish(place p) {
    for (; !p.is_end(); p = p.next()) {
      const auto& o = p.it();
      if (!o.branch.empty()) finish({&o.branch, 0});
      if (!o.name.starts_with("window")) continue;
      for (const auto& id : ids_of(o)) fire(p, id);
      settle();
      // What a window has parked is processed before the next one fires.
      while (!world_.parked.empty()) {
        const auto parked = world_.parked.front();
        world_.parked.pop_front();
        retry(parked);
        settle();
      }
    }
  }
  std::vector<window_id> ids_of(const op& o) {
    std::vector<window_id> all;
    for (const auto& [id, w] : world_.windows[o.stage]) all.push_back(id);
    return all;
  }

  // -- rows that have moved to another partition ---

  void settle() {
    expand_waiting();
    while (!world_.moved.empty()) {
      const auto m = world_.moved.front();
      world_.moved.pop_front();
      const origin from{m.partition, "moved"};
      attempt(from, [&] { go(m.to, m.x, from); });
      expand_waiting();
    }
  }

  const pipeline* pipeline_;
  circumstances given_;
  bool parks_;
  std::map<int, bool> is_ordered_;
  std::map<int, std::string> states_;
  int letters_ = 0, windows_ = 0;  ///< for mistakes
  world world_;
  std::set<std::string> possible_effects_;
};

bool expands(const chain& ops) {
  return std::any_of(ops.begin(), ops.end(),
                     [](const auto& o) { return o.name == "expand" || expands(o.branch); });
}

}  // namespace

bool can_park(const pipeline& p, const std::vector<input_record>& input) {
  return expands(p.ops) && std::any_of(input.begin(), input.end(),
                                       [](const auto& r) { return is_parked_once(r.what); });
}

expectation model_of(const pipeline& p, const std::vector<input_record>& input,
                     const circumstances& c) {
  machine m{p, c, can_park(p, input)};
  bool has_stopped = false;
  try {
    for (std::size_t i = 0; i != input.size(); ++i) m.take(input[i], i);
    m.finish();
  } catch (const stopped&) {
    has_stopped = true;
    m.go_on_with_parked();
  }
  auto e = std::move(m).result();
  e.has_stopped = has_stopped;
  return e;
}

}  // namespace cloudflow::pipelines
