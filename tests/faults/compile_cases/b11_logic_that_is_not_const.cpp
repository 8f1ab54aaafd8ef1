// logic() is not const
#include "faults_schemas/item.hpp"
#include "programs/rows.hpp"

namespace faults {

using namespace std::chrono_literals;
using cloudflow::key;

struct wrong {
  cloudflow::inlet<item> in{"in"};
  cloudflow::outlet<item> out{"out", key(&item::key)};
  auto logic(const cloudflow::context&) { return from(in).to(out); }
};
const bool is_added = add_row<wrong>("case", one_streamlet("wrong"));

}  // namespace faults
