// An operator that loses every third record, as no operator may.
#include "faults_schemas/item.hpp"
#include "programs/rows.hpp"

namespace faults {

struct losing_stage : cloudflow::detail::stage_base {
  template <class Next>
  struct op : cloudflow::detail::link<Next> {
    int number = 0;
    /// Goes on, in the words of today's operators and of those of fc456a7, which answered nothing.
    auto operator()(const item::view& x, const cloudflow::record_info& i) {
      using answer = decltype(this->next(x, i));
      if (++number % 3 == 0) return answer();
      return this->next(x, i);
    }
  };
  template <class Next>
  op<Next> bind(Next next, cloudflow::flow::wiring&) {
    return {{std::move(next)}};
  }
};

struct losing {
  cloudflow::inlet<item> in{"in"};
  cloudflow::outlet<item> out{"out", cloudflow::key(&item::key)};
  auto logic(const cloudflow::context&) const {
    return from(in)
        .then<item::view, cloudflow::errors<>>(losing_stage{})
        .filter([](const item::view& i) { return i.n >= 0; })
        .to(out);
  }
};
const bool has_losses = add_row<losing>("losses", one_streamlet("losing"));

}  // namespace faults
