// error: split() needs one destination for each alternative
#include "cloudflow/streamlet/streamlet.hpp"
#include "flow_test_schemas/count.hpp"
#include "flow_test_schemas/line.hpp"

using namespace std::chrono_literals;
using flowtest::count;
using flowtest::line;

struct wrong {
  cloudflow::inlet<line> in{"in"};
  cloudflow::outlet<line> out{"out"};
  static std::variant<line, count> sorted(const line::view& l) {
    if (l.text.empty()) return count{std::string{l.app}, l.time, 1};
    return cloudflow::to_owned(l);
  }
  auto logic() const { return from(in).map(sorted).split(out); }
};

template const cloudflow::streamlet_definition& cloudflow::definition_of<wrong>();
