// fold() with a function that returns the new state
#include "faults_schemas/item.hpp"
#include "programs/rows.hpp"

namespace faults {

using namespace std::chrono_literals;
using cloudflow::key;

struct wrong {
  cloudflow::inlet<item> in{"in"};
  cloudflow::outlet<item> out{"out", key(&item::key)};
  cloudflow::state<std::int64_t> counts{"counts"};

  auto logic(const cloudflow::context&) const {
    return from(in)
        .key_by(&item::key)
        .fold(counts, [](std::int64_t n, const item::view&) { return n + 1; })
        .map([](const cloudflow::keyed<std::string, std::int64_t>& k) {
          return item{k.key, k.value, {}, {}};
        })
        .to(out);
  }
};
const bool is_added = add_row<wrong>("case", one_streamlet("wrong"));

}  // namespace faults
