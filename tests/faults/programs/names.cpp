// Rows B1 to B5 and B9: names, keys and views.
#include "faults_schemas/item.hpp"
#include "programs/rows.hpp"

#include <stdexcept>

namespace faults {

using namespace std::chrono_literals;
using cloudflow::key, cloudflow::keyed;

inline void count(std::int64_t& n, const item::view&) { ++n; }
inline void add(std::int64_t& n, const item& i) { n += i.n; }
inline item text_keyed(const keyed<std::string, std::int64_t>& k) {
  return {k.key, k.value, {}, {}};
}
inline item number_keyed(const keyed<std::int64_t, std::int64_t>& k) {
  return {std::to_string(k.key), k.value, {}, {}};
}

struct one_name_for_two_states {
  cloudflow::inlet<item> in{"in"};
  cloudflow::outlet<item> out{"out", key(&item::key)};
  cloudflow::state<std::int64_t> a{"n"}, b{"n"};

  auto logic(const cloudflow::context&) const {
    return from(in)
        .key_by(&item::key)
        .fold(a, count)
        .map(text_keyed)
        .key_by(&item::n)
        .fold(b, add)
        .map(number_keyed)
        .to(out);
  }
};
const bool has_b1 =
    add_row<one_name_for_two_states>("b1", one_streamlet("one_name_for_two_states", 2));

struct named_as_ours {
  cloudflow::inlet<item> in{"in"};
  cloudflow::outlet<item> out{"out", key(&item::key)};
  cloudflow::state<std::int64_t> counts{"event-time"};

  auto logic(const cloudflow::context&) const {
    return from(in)
        .event_time(&item::at, cloudflow::in_order)
        .key_by(&item::n)
        .fold(counts, count)
        .map(number_keyed)
        .to(out);
  }
};
const bool has_b2 = add_row<named_as_ours>("b2", one_streamlet("named_as_ours"));

struct keying {
  cloudflow::inlet<item> in{"in"};
  cloudflow::outlet<item> out{"unique", key(&item::key)};
  auto logic(const cloudflow::context&) const { return from(in).to(out); }
};
struct two_keys {
  cloudflow::inlet<item> in{"unique", cloudflow::keyed_by(&item::key)};
  cloudflow::outlet<item> out{"out", key(&item::key)};
  cloudflow::state<std::int64_t> counts{"counts"}, sums{"sums"};

  auto logic(const cloudflow::context&) const {
    return from(in)
        .key_by(&item::key)
        .fold(counts, count)
        .map([](const keyed<std::string, std::int64_t>& k) {
          return item{k.key, 1, {}, {}};
        })
        .key_by([](const item&) { return std::string{"all"}; })
        .fold(sums, add)
        .map(text_keyed)
        .to(out);
  }
};
const bool has_b3 = add_row<keying, two_keys>("b3", R"(blueprint {
  streamlets { keying = faults.keying, s = faults.two_keys }
  topics {
    in { consumers = [keying.in] }
    unique { producers = [keying.unique], consumers = [s.unique], partitions = 2 }
    out { producers = [s.out] }
  }
})");

// -- declared twice ---

struct two_outlets {
  cloudflow::inlet<item> in{"in"};
  cloudflow::outlet<item> first{"out"}, second{"out"};
  auto logic(const cloudflow::context&) const { return from(in).also_to(first).to(second); }
};
const bool has_b4_outlets = add_row<two_outlets>("b4-outlets", one_streamlet("two_outlets"));

struct two_inlets {
  cloudflow::inlet<item> first{"in"}, second{"in"};
  cloudflow::outlet<item> out{"out"};
  auto logic(const cloudflow::context&) const {
    return std::tuple{from(first).to(out), from(second).to(out)};
  }
};
const bool has_b4_inlets = add_row<two_inlets>("b4-inlets", one_streamlet("two_inlets"));

// -- text that is none ---

struct no_text {
  cloudflow::inlet<item> in{"in"};
  cloudflow::outlet<item> out{"out", key(&item::key)};
  auto logic(const cloudflow::context&) const {
    return from(in)
        .map([](const item::view& i) {
          auto made = i.n < 0 ? std::string{"\xf0\x28\x8c\xff"} : std::string{i.text};
          return item{std::string{i.key}, i.n, i.at, std::move(made)};
        })
        .to(out);
  }
};
const bool has_b5 = add_row<no_text>("b5", one_streamlet("no_text"));

// -- parameters that are judged in logic() ---

struct fetcher {
  cloudflow::inlet<item> in{"in"};
  cloudflow::outlet<item> out{"fetched"};
  cloudflow::parameter<std::string> url{"url", "Where to fetch from."};
  auto logic(const cloudflow::context& ctx) const {
    if (!ctx[url].starts_with("http://")) throw std::invalid_argument("this is no address");
    return from(in).to(out);
  }
};
struct caller {
  cloudflow::inlet<item> in{"in"};
  cloudflow::outlet<item> out{"called"};
  cloudflow::parameter<std::string> number{"number", "Whom to call."};
  auto logic(const cloudflow::context& ctx) const {
    if (!ctx[number].starts_with("+")) throw std::runtime_error("this is no number");
    return from(in).to(out);
  }
};
const bool has_b9 = add_row<fetcher, caller>("b9", R"(blueprint {
  streamlets { fetcher = faults.fetcher, caller = faults.caller }
  topics {
    in { consumers = [fetcher.in, caller.in] }
    fetched { producers = [fetcher.fetched] }
    called { producers = [caller.called] }
  }
})");

}  // namespace faults
