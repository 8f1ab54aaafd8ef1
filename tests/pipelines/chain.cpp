#include "chain.hpp"

#include "any_next.hpp"

#include <algorithm>
#include <array>
#include <random>

namespace cloudflow::pipelines {

namespace {

/// What the chain that runs consists of; read whenever the streamlet below is started.
pipeline& spec() {
  static pipeline p;
  return p;
}

/// Takes all records into the chain that spec() describes.
template <class Owner>
struct chain_stage : detail::stage_base {
  const Owner* owner;
  template <class Next>
  any_next bind(Next, flow::wiring& w) {
    return bind_spec(w);
  }
  any_next bind_spec(flow::wiring& w) const;
};

/// Where the records of a chain come from.
struct an_inlet {
  using member = inlet<item>;
  static member made() { return member{"in"}; }
  static auto stream(const member& in) { return from(in); }
};
struct some_clients {
  struct member {};
  static member made() { return {}; }
  static auto stream(member) { return from_clients(); }
};

/// Has a port and a state for whatever may occur.
template <class Begin>
struct chained {
  typename Begin::member in = Begin::made();
  outlet<item> out{"out", key(&item::key)};
  outlet<item> other{"other", key(&item::key)};
  outlet<item> also_1{"also-1", key(&item::key)};
  outlet<item> also_2{"also-2", key(&item::key)};
  outlet<item> late_1{"late-1", key(&item::key)};
  outlet<item> late_2{"late-2", key(&item::key)};
  outlet<refusal> refused_1{"refused-1", key(&refusal::key)};
  outlet<refusal> refused_2{"refused-2", key(&refusal::key)};
  state<total> t1{"t1"};
  state<total> t2{"t2"};
  state<total> t3{"t3"};
  state<total> t4{"t4"};
  state<timestamp> d1{"d1"};
  state<timestamp> d2{"d2"};
  state<std::int64_t> e1{"e1"};

  auto logic() const {
    return Begin::stream(in).owned().template then<nothing, errors<>>(
        chain_stage<chained>{{}, this});
  }

  template <std::size_t N, class Port>
  static const Port& named(const std::string& name, const std::array<const Port*, N>& all) {
    return **std::find_if(all.begin(), all.end(),
                          [&](const auto* port) { return port->name() == name; });
  }
  const outlet<item>& items(const std::string& name) const {
    return named(name, std::array{&out, &other, &also_1, &also_2, &late_1, &late_2});
  }
  const outlet<refusal>& refusals(const std::string& name) const {
    return named(name, std::array{&refused_1, &refused_2});
  }
  const state<total>& totals(const std::string& name) const {
    return named(name, std::array{&t1, &t2, &t3, &t4});
  }
  const state<timestamp>& times(const std::string& name) const {
    return named(name, std::array{&d1, &d2});
  }
};

/// To items again, as a stage of its own.
struct as_items {
  template <class X>
  item operator()(const X& x) const {
    return as_item(as_row(x));
  }
};

/// Where a window's state is: behind the late outlet in `port`.
std::string kept_of(const op& o) { return o.port.substr(o.port.find(':') + 1); }
std::string outlet_of(const op& o) { return o.port.substr(0, o.port.find(':')); }

template <class Owner>
any_next bind_keyed(const Owner& m, const op& o, any_next next, flow::wiring& w) {
  const auto n = o.stage;
  const auto in_front = [&](auto apply) { return bound(apply, std::move(next), w); };
  if (o.name == "fold")
    return in_front([&](auto s) {
      return s.key_by(by_key{n}).fold(m.totals(kept_of(o)), folding{n}).map(as_items{});
    });
  if (o.name == "distinct")
    return in_front([&](auto s) { return s.key_by(by_id{n}).distinct(m.times(kept_of(o))); });
  if (o.name == "window")
    return in_front([&](auto s) {
      return s.key_by(by_key{n})
          .window(tumbling{60s})
          .fold(m.totals(kept_of(o)), counting{n})
          .map(as_items{});
    });
  return in_front([&](auto s) {
    return s.key_by(by_key{n})
        .window(tumbling{60s})
        .lateness(late_by())
        .late_to(m.items(outlet_of(o)))
        .fold(m.totals(kept_of(o)), counting{n})
        .map(as_items{});
  });
}

template <class Owner>
any_next bind_op(const Owner& m, const op& o, any_next next, flow::wiring& w) {
  const auto n = o.stage;
  const auto in_front = [&](auto apply) { return bound(apply, std::move(next), w); };
  if (o.name == "map") return in_front([&](auto s) { return s.map(mapping{n}); });
  if (o.name == "map-function")
    return in_front(
        [&](auto s) { return s.map(refusing{n}).template on_error<refusal>(noting{n}); });
  if (o.name == "map-outlet")
    return in_front(
        [&](auto s) { return s.map(refusing{n}).template on_error<refusal>(m.refusals(o.port)); });
  if (o.name == "map-letter")
    return in_front([&](auto s) {
      return s.map(refusing_with_reason{n}).template on_error<refused_item>(dead_letter);
    });
  if (o.name == "filter") return in_front([&](auto s) { return s.filter(keeping{n}); });
  if (o.name == "flat-map") return in_front([&](auto s) { return s.flat_map(multiplying{n}); });
  if (o.name == "owned") return in_front([&](auto s) { return s.owned(); });
  if (o.name == "expand")
    return in_front([&](auto s) {
      return s.expand(m.e1, parts{n}, patience).template on_error<away>(dead_letter);
    });
  if (o.name == "event-time")
    return in_front([&](auto s) { return s.event_time(at_time{n}, bound()); });
  if (o.name == "also-to") return in_front([&](auto s) { return s.also_to(m.items(o.port)); });
  return bind_keyed(m, o, std::move(next), w);
}

template <class Owner>
any_next bind_end(const Owner& m, const op& o, flow::wiring& w) {
  const auto n = o.stage;
  if (o.name == "to") return bound_end([&](auto s) { return s.to(m.out); }, w);
  if (o.name == "for-each") return bound_end([&](auto s) { return s.for_each(doing{n}); }, w);
  return bound_end([&](auto s) { return s.map(sorting{n}).split(m.out, m.other); }, w);
}

bool uses(std::string_view name) {
  const auto& ops = spec().ops;
  return std::any_of(ops.begin(), ops.end(), [&](const auto& o) {
    return o.port.find(name) != std::string::npos || (o.name == "expand" && name == "e1");
  });
}

/// A streamlet uses all it has; what this chain does not need is said to be used.
template <class Owner>
void use_the_rest(const Owner& m, flow::wiring& w) {
  for (const auto* o : {&m.out, &m.other, &m.also_1, &m.also_2, &m.late_1, &m.late_2})
    if (!uses(o->name())) w.outlet(o, o->name());
  for (const auto* o : {&m.refused_1, &m.refused_2})
    if (!uses(o->name())) w.outlet(o, o->name());
  const auto keep = [&](const auto& s) {
    if (!uses(s.name())) w.state(&s, s.name(), {codec<std::string>::schema_text, {}});
  };
  for (const auto* s : {&m.t1, &m.t2, &m.t3, &m.t4}) keep(*s);
  for (const auto* s : {&m.d1, &m.d2}) keep(*s);
  keep(m.e1);
}

template <class Owner>
any_next chain_stage<Owner>::bind_spec(flow::wiring& w) const {
  const auto& ops = spec().ops;
  auto next = bind_end(*owner, ops.back(), w);
  for (auto o = ops.rbegin() + 1; o != ops.rend(); ++o)
    next = bind_op(*owner, *o, std::move(next), w);
  use_the_rest(*owner, w);
  return next;
}

// -- drawing
// -----------------------------------------------------------------------------------------

class drawn_chain {
public:
  explicit drawn_chain(std::uint64_t seed) : random_(seed * 7919 + 3) {}

  std::vector<op> ops() {
    constexpr const char* all[] = {"map",     "map-function", "map-outlet", "map-letter", "filter",
                                   "owned",   "expand",       "fold",       "distinct",   "window",
                                   "also-to", "window-late",  "flat-map"};
    constexpr const char* ends[] = {"to", "to", "split", "for-each"};
    std::vector<op> some{{"event-time", 0}};
    const auto length = 3 + random_() % 6;
    while (some.size() <= length) {
      op o{all[random_() % std::size(all)], static_cast<int>(some.size())};
      if (find_place(o)) some.push_back(std::move(o));
    }
    op end{ends[random_() % std::size(ends)], static_cast<int>(some.size()), "out"};
    if (end.name == "split") end = {"split-outlets", end.stage, "out,other"};
    if (end.name == "for-each") end.port = {};
    some.push_back(std::move(end));
    return some;
  }

private:
  /// False: the streamlet has no more room for one of these.
  bool find_place(op& o) {
    if (o.name == "expand") return take(used_["e"], 1, "", o.port, ":letter");
    if (o.name == "map-function") o.port = "function";
    if (o.name == "map-letter") o.port = "letter";
    if (o.name == "map-outlet") return take(used_["refused"], 2, "refused-", o.port);
    if (o.name == "also-to") return take(used_["also"], 2, "also-", o.port);
    if (o.name == "distinct") return take(used_["d"], 2, "d", o.port);
    if (o.name == "fold" || o.name == "window") return take(used_["t"], 4, "t", o.port);
    if (o.name == "window-late") {
      if (used_["t"] == 4) return false;
      std::string late, total;
      if (!take(used_["late"], 2, "late-", late)) return false;
      take(used_["t"], 4, "t", total);
      o.port = late + ":" + total;
    }
    return true;
  }
  static bool take(int& used, int there_are, const std::string& prefix, std::string& port,
                   const char* fixed = nullptr) {
    if (used == there_are) return false;
    ++used;
    port = fixed != nullptr ? std::string{fixed + 1} : prefix + std::to_string(used);
    return true;
  }
  std::mt19937_64 random_;
  std::map<std::string, int> used_;
};

template <class Begin>
const streamlet_definition& definition_of_chain() {
  return definition_of<chained<Begin>>();
}

}  // namespace

pipeline draw_chain(std::uint64_t seed) {
  pipeline p;
  p.name = "chain-" + std::to_string(seed);
  p.ops = drawn_chain{seed}.ops();
  p.has_source = seed / 4 % 3 == 2;
  if (p.has_source) p.text = "source";
  for (const auto& o : p.ops) p.text += (p.text.empty() ? "" : " . ") + o.name;
  for (const auto* name : {"out", "other", "also-1", "also-2", "late-1", "late-2"})
    p.outlets.push_back({name, &read_row<item>});
  for (const auto* name : {"refused-1", "refused-2"})
    p.outlets.push_back({name, &read_row<refusal>});
  p.definition = p.has_source ? &definition_of_chain<some_clients> : &definition_of_chain<an_inlet>;
  spec() = p;
  return p;
}

}  // namespace cloudflow::pipelines
