// dead_letter of a stream that comes from a source, which has no inlet
#include "faults_schemas/item.hpp"
#include "programs/rows.hpp"

namespace faults {

using namespace std::chrono_literals;
using cloudflow::key;

struct refusal {
  std::string reason() const { return "this number is refused"; }
};
struct numbers final : cloudflow::source<item> {
  bool is_done = false;
  cloudflow::flow::source_status poll(cloudflow::emitter<item>& emit) override {
    if (is_done) return cloudflow::flow::source_status::ended;
    is_done = true;
    emit(item{"good", 1, {}, {}});
    emit(item{"bad-number", -1, {}, {}});
    return cloudflow::flow::source_status::produced;
  }
};

struct wrong {
  cloudflow::outlet<item> out{"out", key(&item::key)};

  static cloudflow::result<item, refusal> judged(const item& i) {
    if (i.n < 0) return refusal{};
    return i;
  }
  auto logic(const cloudflow::context&) const {
    return from(std::shared_ptr<cloudflow::source<item>>{std::make_shared<numbers>()})
        .map(judged)
        .on_error<refusal>(cloudflow::dead_letter)
        .to(out);
  }
};
const bool is_added = add_row<wrong>("case", one_source("wrong"));

}  // namespace faults
