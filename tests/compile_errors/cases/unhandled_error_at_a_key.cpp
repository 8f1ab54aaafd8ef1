// error: Errors have to be handled before key_by()
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
  cloudflow::state<std::int64_t> lines{"lines"};
  static cloudflow::result<count, empty_line> counted(const line::view& l) {
    if (l.text.empty()) return empty_line{};
    return count{std::string{l.app}, l.time, 1};
  }
  auto logic() const {
    return from(in)
        .map(counted)
        .key_by(&count::app)
        .fold(lines, [](std::int64_t& n, const count& c) { n += c.lines; })
        .map([](const auto& k) {
          return count{k.key, {}, k.value};
        })
        .on_error<empty_line>([](const empty_line&) {})
        .to(out);
  }
};

template const cloudflow::streamlet_definition& cloudflow::definition_of<wrong>();
