// error: A port needs a record type that comes from a schema
#include "cloudflow/streamlet/streamlet.hpp"
#include "flow_test_schemas/count.hpp"
#include "flow_test_schemas/line.hpp"

using namespace std::chrono_literals;
using flowtest::count;
using flowtest::line;

struct mine {
  std::string text;
};

struct wrong {
  cloudflow::inlet<mine> in{"in"};
  auto logic() const {
    return from(in).for_each([](const auto&) {});
  }
};

template const cloudflow::streamlet_definition& cloudflow::definition_of<wrong>();
