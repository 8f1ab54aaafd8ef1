// key_by() with a struct
#include "faults_schemas/item.hpp"
#include "programs/rows.hpp"

namespace faults {

using namespace std::chrono_literals;
using cloudflow::key;

struct both {
  std::string key;
  std::int64_t n = 0;
};

struct wrong {
  cloudflow::inlet<item> in{"in"};
  cloudflow::outlet<item> out{"out", key(&item::key)};
  cloudflow::state<std::int64_t> counts{"counts"};

  auto logic(const cloudflow::context&) const {
    return from(in)
        .key_by([](const item::view& i) {
          return both{std::string{i.key}, i.n};
        })
        .fold(counts, [](std::int64_t& n, const item::view&) { ++n; })
        .map([](const cloudflow::keyed<both, std::int64_t>& k) {
          return item{k.key.key, k.value, {}, std::to_string(k.key.n)};
        })
        .to(out);
  }
};
const bool is_added = add_row<wrong>("case", one_streamlet("wrong"));

}  // namespace faults
