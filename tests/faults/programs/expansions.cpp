// Rows A1, A4, A10 and A12: what stands above an expansion, and what happens in one.
#include "programs/parts.hpp"
#include "programs/rows.hpp"

#include <array>

namespace faults {

using namespace std::chrono_literals;
using cloudflow::key;

struct flat_map_then_expand {
  cloudflow::inlet<item> in{"in"};
  cloudflow::outlet<item> out{"out", key(&item::key)};
  cloudflow::state<progress> parts{"parts"};

  auto logic(const cloudflow::context&) const {
    return from(in)
        .flat_map([](const item::view& i) {
          std::array<item, 3> three;
          for (std::size_t n = 0; n != three.size(); ++n)
            three[n] = {std::string{i.key} + std::to_string(n), i.n, i.at, {}};
          return three;
        })
        .expand(parts, in_parts{.count = 3})
        .on_error<hiccup>(ignore)
        .to(out);
  }
};
const bool has_a1 = add_row<flat_map_then_expand>("a1", one_streamlet("flat_map_then_expand"));

struct only_expand {
  cloudflow::inlet<item> in{"in"};
  cloudflow::outlet<item> out{"out", key(&item::key)};
  cloudflow::state<progress> parts{"parts"};

  auto logic(const cloudflow::context&) const {
    return from(in).expand(parts, in_parts{.count = 3}).on_error<hiccup>(ignore).to(out);
  }
};
const bool has_a12 = add_row<only_expand>("expanded", one_streamlet("only_expand"));

struct fails_at_the_second_attempt {
  cloudflow::inlet<item> in{"in"};
  cloudflow::outlet<item> out{"out", key(&item::key)};
  cloudflow::state<progress> attempts{"attempts"};

  auto logic(const cloudflow::context&) const {
    return from(in)
        .expand(attempts, fails_twice{}, {.first_delay = 50ms})
        .on_error<hiccup>(cloudflow::dead_letter)
        .to(out);
  }
};
const bool has_a4 =
    add_row<fails_at_the_second_attempt>("a4", one_streamlet("fails_at_the_second_attempt"));

// -- killed between two parts ---

struct fold_then_expand {
  cloudflow::inlet<item> in{"in"};
  cloudflow::outlet<item> out{"out", key(&item::key)};
  cloudflow::state<std::int64_t> counts{"counts"};
  cloudflow::state<progress> parts{"parts"};

  auto logic(const cloudflow::context&) const {
    return from(in)
        .key_by(&item::key)
        .fold(counts, [](std::int64_t& n, const item::view&) { ++n; })
        .map([](const cloudflow::keyed<std::string, std::int64_t>& k) {
          return item{k.key, k.value, {}, {}};
        })
        .expand(parts, in_parts{.count = 20, .pause = 50ms})
        .on_error<hiccup>(ignore)
        .to(out);
  }
};
const bool has_a10_fold = add_row<fold_then_expand>("a10-fold", one_streamlet("fold_then_expand"));

struct distinct_then_expand {
  cloudflow::inlet<item> in{"in"};
  cloudflow::outlet<item> out{"out", key(&item::key)};
  cloudflow::state<cloudflow::timestamp> seen{"seen"};
  cloudflow::state<progress> parts{"parts"};

  auto logic(const cloudflow::context&) const {
    return from(in)
        .event_time(&item::at, cloudflow::in_order)
        .key_by(&item::key)
        .distinct(seen)
        .expand(parts, in_parts{.count = 20, .pause = 50ms})
        .on_error<hiccup>(ignore)
        .to(out);
  }
};
const bool has_a10_distinct =
    add_row<distinct_then_expand>("a10-distinct", one_streamlet("distinct_then_expand"));

struct also_to_then_expand {
  cloudflow::inlet<item> in{"in"};
  cloudflow::outlet<item> also{"also", key(&item::key)};
  cloudflow::outlet<item> out{"out", key(&item::key)};
  cloudflow::state<progress> parts{"parts"};

  auto logic(const cloudflow::context&) const {
    return from(in)
        .also_to(also)
        .expand(parts, in_parts{.count = 20, .pause = 50ms})
        .on_error<hiccup>(ignore)
        .to(out);
  }
};
const bool has_a10_also_to = add_row<also_to_then_expand>("a10-also-to", R"(blueprint {
  streamlets { s = faults.also_to_then_expand }
  topics {
    in { consumers = [s.in] }
    also { producers = [s.also] }
    out { producers = [s.out] }
  }
})");

}  // namespace faults
