// error: This state borrows data from the batch it came from
#include "cloudflow/streamlet/streamlet.hpp"
#include "flow_test_schemas/count.hpp"
#include "flow_test_schemas/line.hpp"

using namespace std::chrono_literals;
using flowtest::count;
using flowtest::line;

struct latest {
  std::int64_t lines = 0;
  std::vector<line::view> last{};
};

struct wrong {
  cloudflow::inlet<line> in{"in"};
  cloudflow::outlet<count> out{"out"};
  cloudflow::state<latest> kept{"kept"};
  auto logic() const {
    return from(in)
        .key_by(&line::app)
        .fold(kept, [](latest& k, const line::view& l) { k.last.assign(1, l); })
        .map([](const auto& k) {
          return count{k.key, {}, k.value.lines};
        })
        .to(out);
  }
};

template const cloudflow::streamlet_definition& cloudflow::definition_of<wrong>();
