// Rows B7, B8 and B12: one source as two programs, of which the second (VERSION 2) has changed.
#include "faults_schemas/item.hpp"
#include "programs/rows.hpp"
#if VERSION == 1
#include "versions_1_schemas/versions.hpp"
#else
#include "versions_2_schemas/versions.hpp"
#endif

namespace faults {

using cloudflow::key;

struct tally {
#if VERSION == 1
  std::int64_t calls = 0, duration = 0;
#else
  std::int64_t duration = 0, calls = 0;
#endif
};

struct swapped_members {
  cloudflow::inlet<item> in{"in"};
  cloudflow::outlet<item> out{"out", key(&item::key)};
  cloudflow::state<tally> tallies{"tallies"};

  auto logic(const cloudflow::context&) const {
    return from(in)
        .key_by(&item::key)
        .fold(tallies,
              [](tally& t, const item::view& i) {
                ++t.calls;
                t.duration += i.n;
              })
        .map([](const cloudflow::keyed<std::string, tally>& k) {
          return item{k.key, k.value.calls, {}, std::to_string(k.value.duration)};
        })
        .to(out);
  }
};
const bool has_b7 = add_row<swapped_members>("b7", one_streamlet("swapped_members"));

struct one_more_field {
  cloudflow::inlet<item> in{"in"};
  cloudflow::outlet<item> out{"out", key(&item::key)};
  cloudflow::state<versions::totals> totals{"totals"};

  auto logic(const cloudflow::context&) const {
    return from(in)
        .key_by(&item::key)
        .fold(totals, [](versions::totals& t, const item::view&) { ++t.calls; })
        .map([](const cloudflow::keyed<std::string, versions::totals>& k) {
          return item{k.key, k.value.calls, {}, {}};
        })
        .to(out);
  }
};
const bool has_b8 = add_row<one_more_field>("b8", one_streamlet("one_more_field"));

struct renamed_field {
  cloudflow::inlet<versions::reading> in{"in"};
  cloudflow::outlet<versions::reading> out{"out", key(&versions::reading::key)};
  auto logic(const cloudflow::context&) const { return from(in).to(out); }
};
const bool has_b12 = add_row<renamed_field>("b12", one_streamlet("renamed_field"));

}  // namespace faults
