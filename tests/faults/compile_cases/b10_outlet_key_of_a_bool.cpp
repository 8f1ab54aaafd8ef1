// the key of an outlet is a bool
#include "faults_schemas/item.hpp"
#include "programs/rows.hpp"

namespace faults {

using namespace std::chrono_literals;
using cloudflow::key;

struct wrong {
  cloudflow::inlet<item> in{"in"};
  cloudflow::outlet<item> out{"out", key([](const item::view& i) { return i.n < 0; })};
  auto logic(const cloudflow::context&) const { return from(in).to(out); }
};
const bool is_added = add_row<wrong>("case", one_streamlet("wrong"));

}  // namespace faults
