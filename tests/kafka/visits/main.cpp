// Windows over a topic without keys: the visits of a page come in all partitions.
#include "cloudflow/sandbox/application.hpp"
#include "cloudflow/streamlet/streamlet.hpp"
#include "visits_schemas/visits.hpp"

using visits::total, visits::visit;
using namespace std::chrono_literals;

struct totals {
  cloudflow::inlet<visit> in{"visits"};
  cloudflow::outlet<total> out{"totals", cloudflow::key(&total::page)};
  cloudflow::outlet<visit> late{"late"};
  cloudflow::state<std::int64_t> counts{"counts"};

  auto logic(const cloudflow::context&) const {
    return from(in)
        .event_time(&visit::at, cloudflow::in_order)
        .key_by(&visit::page)
        .window(cloudflow::tumbling{1min})
        .lateness(cloudflow::allowed_lateness{1min})
        .late_to(late)
        .fold(counts, [](std::int64_t& n, const visit::view&) { ++n; })
        .map([](const cloudflow::windowed<std::string, std::int64_t>& w) {
          return total{w.key, w.window.start, w.value};
        })
        .to(out);
  }
};

int main(int argc, char** argv) { return cloudflow::application<totals>(argc, argv); }
