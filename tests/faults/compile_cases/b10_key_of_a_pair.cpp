// key_by() with a pair
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
        .key_by([](const item::view& i) {
          return std::pair{std::string{i.key}, i.n};
        })
        .fold(counts, [](std::int64_t& n, const item::view&) { ++n; })
        .map([](const auto& k) {
          return item{k.key.first, k.value, {}, std::to_string(k.key.second)};
        })
        .to(out);
  }
};
const bool is_added = add_row<wrong>("case", one_streamlet("wrong"));

}  // namespace faults
