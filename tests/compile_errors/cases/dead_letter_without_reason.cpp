// error: on_error<E>(dead_letter) needs `std::string reason() const` in E
#include "cloudflow/streamlet/streamlet.hpp"
#include "flow_test_schemas/count.hpp"
#include "flow_test_schemas/line.hpp"

using namespace std::chrono_literals;
using flowtest::count;
using flowtest::line;

struct empty_line {};

struct wrong {
  cloudflow::inlet<line> in{"in"};
  cloudflow::outlet<count> out{"out"};
  static cloudflow::result<count, empty_line> counted(const line::view& l) {
    if (l.text.empty()) return empty_line{};
    return count{std::string{l.app}, l.time, 1};
  }
  auto logic() const {
    return from(in).map(counted).on_error<empty_line>(cloudflow::dead_letter).to(out);
  }
};

template const cloudflow::streamlet_definition& cloudflow::definition_of<wrong>();
