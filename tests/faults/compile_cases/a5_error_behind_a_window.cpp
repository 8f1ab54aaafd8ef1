// dead_letter of a stream of windows, which are no records of the inlet
#include "faults_schemas/item.hpp"
#include "programs/rows.hpp"

namespace faults {

using namespace std::chrono_literals;
using cloudflow::key;

struct refusal {
  std::string reason() const { return "this sum is refused"; }
};

struct wrong {
  cloudflow::inlet<item> in{"in"};
  cloudflow::outlet<item> out{"out", key(&item::key)};
  cloudflow::state<std::int64_t> sums{"sums"};

  using window = cloudflow::windowed<std::string, std::int64_t>;
  static cloudflow::result<item, refusal> judged(const window& w) {
    if (w.value < 0) return refusal{};
    return item{w.key, w.value, {}, {}};
  }
  auto logic(const cloudflow::context&) const {
    return from(in)
        .event_time(&item::at, cloudflow::in_order)
        .key_by(&item::key)
        .window(cloudflow::tumbling{1min})
        .fold(sums, [](std::int64_t& sum, const item::view& i) { sum += i.n; })
        .map(judged)
        .on_error<refusal>(cloudflow::dead_letter)
        .to(out);
  }
};
const bool is_added = add_row<wrong>("case", one_streamlet("wrong"));

}  // namespace faults
