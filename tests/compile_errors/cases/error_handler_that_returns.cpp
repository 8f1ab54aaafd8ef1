// error: on_error<E>() would drop what this function returns
#include "cloudflow/streamlet/streamlet.hpp"
#include "flow_test_schemas/line.hpp"

using flowtest::line;

struct bad_time {};

struct wrong {
  cloudflow::inlet<line> in{"in"};
  cloudflow::outlet<line> out{"out"};
  auto logic() const {
    return from(in)
        .map([](const line::view& l) -> cloudflow::result<line, bad_time> {
          return cloudflow::to_owned(l);
        })
        .on_error<bad_time>([](const bad_time&) { return line{}; })
        .to(out);
  }
};

template const cloudflow::streamlet_definition& cloudflow::definition_of<wrong>();
