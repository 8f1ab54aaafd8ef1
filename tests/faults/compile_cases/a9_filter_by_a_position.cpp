// filter() with a function that returns what find() gives
#include "faults_schemas/item.hpp"
#include "programs/rows.hpp"

namespace faults {

using namespace std::chrono_literals;
using cloudflow::key;

struct wrong {
  cloudflow::inlet<item> in{"in"};
  cloudflow::outlet<item> out{"out", key(&item::key)};
  auto logic(const cloudflow::context&) const {
    return from(in).filter([](const item::view& i) { return i.key.find("x"); }).to(out);
  }
};
const bool is_added = add_row<wrong>("case", one_streamlet("wrong"));

}  // namespace faults
