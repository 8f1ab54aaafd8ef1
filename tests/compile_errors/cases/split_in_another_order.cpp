// error: split() has an outlet that is not of its alternative's type
#include "cloudflow/streamlet/streamlet.hpp"
#include "flow_test_schemas/count.hpp"
#include "flow_test_schemas/line.hpp"

using namespace std::chrono_literals;
using flowtest::count;
using flowtest::line;

struct wrong {
  cloudflow::inlet<line> in{"in"};
  cloudflow::outlet<line> lines{"lines"};
  cloudflow::outlet<count> counts{"counts"};
  static std::variant<line, count> sorted(const line::view& l) {
    if (l.text.empty()) return count{std::string{l.app}, l.time, 1};
    return cloudflow::to_owned(l);
  }
  auto logic() const { return from(in).map(sorted).split(counts, lines); }
};

template const cloudflow::streamlet_definition& cloudflow::definition_of<wrong>();
