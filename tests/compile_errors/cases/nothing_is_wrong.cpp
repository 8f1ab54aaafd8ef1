// no error
#include "cloudflow/streamlet/streamlet.hpp"
#include "flow_test_schemas/count.hpp"
#include "flow_test_schemas/line.hpp"

using namespace std::chrono_literals;
using flowtest::count;
using flowtest::line;

struct bad_time {
  std::string reason() const { return "bad time"; }
};

/// Every function of a stream once, as it should be used: what the other cases differ from.
struct wrong {
  cloudflow::inlet<line> in{"in", cloudflow::keyed_by(&line::app)};
  cloudflow::outlet<count> out{"out", cloudflow::key(&count::app)};
  cloudflow::outlet<line> late{"late"}, all{"all"};
  cloudflow::state<std::int64_t> lines{"lines"};
  cloudflow::parameter<std::string> ignored{"ignored", "An application that is ignored.", "test"};

  static cloudflow::result<line, bad_time> checked(const line::view& l) {
    if (l.time > cloudflow::timestamp{1s}) return bad_time{};
    return cloudflow::to_owned(l);
  }
  auto logic(const cloudflow::context& ctx) const {
    return from(in)
        .filter([app = ctx[ignored]](const line::view& l) { return l.app != app; })
        .map(checked)
        .on_error<bad_time>(cloudflow::dead_letter)
        .also_to(all)
        .event_time(&line::time, cloudflow::in_order)
        .key_by(&line::app)
        .window(cloudflow::tumbling{60s})
        .late_to(late)
        .fold(lines, [](std::int64_t& n, const line&) { ++n; })
        .map([](const cloudflow::windowed<std::string, std::int64_t>& w) {
          return count{w.key, w.window.start, w.value};
        })
        .to(out);
  }
};

template const cloudflow::streamlet_definition& cloudflow::definition_of<wrong>();
