// error: This state borrows data from the batch it came from
#include "cloudflow/streamlet/streamlet.hpp"
#include "flow_test_schemas/count.hpp"
#include "flow_test_schemas/line.hpp"

using namespace std::chrono_literals;
using flowtest::count;
using flowtest::line;

struct wrong {
  cloudflow::inlet<line> in{"in"};
  cloudflow::outlet<count> out{"out"};
  cloudflow::state<std::string_view> last{"last"};
  auto logic() const {
    return from(in)
        .key_by(&line::app)
        .fold(last, [](std::string_view& text, const line::view& l) { text = l.text; })
        .map([](const auto& k) {
          return count{k.key, {}, 1};
        })
        .to(out);
  }
};

template const cloudflow::streamlet_definition& cloudflow::definition_of<wrong>();
