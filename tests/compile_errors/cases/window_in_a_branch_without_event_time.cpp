// error: window() needs to know the records' own time
#include "cloudflow/streamlet/streamlet.hpp"
#include "flow_test_schemas/count.hpp"
#include "flow_test_schemas/line.hpp"

#include <variant>

using namespace std::chrono_literals;
using flowtest::count;
using flowtest::line;

struct wrong {
  cloudflow::inlet<line> in{"in"};
  cloudflow::outlet<line> out{"out"};
  cloudflow::outlet<count> totals{"totals"};
  cloudflow::state<std::int64_t> lines{"lines"};
  auto logic() const {
    return from(in)
        .map(
            [](const line::view& l) -> std::variant<line, count> { return cloudflow::to_owned(l); })
        .split(out, [this](auto counts) {
          return counts.key_by(&count::app)
              .window(cloudflow::tumbling{60s})
              .fold(lines, [](std::int64_t& n, const auto&) { ++n; })
              .map([](const auto& w) {
                return count{w.key, w.window.start, w.value};
              })
              .to(totals);
        });
  }
};

template const cloudflow::streamlet_definition& cloudflow::definition_of<wrong>();
