#include "cloudflow/sandbox/application.hpp"
#include "cloudflow/streamlet/streamlet.hpp"
#include "sensor_schemas/reading.hpp"

using sensors::reading;

/// Passes on the readings above a limit.
struct hot_readings {
  cloudflow::inlet<reading> in{"readings"};
  cloudflow::outlet<reading> out{"hot", cloudflow::key(&reading::sensor)};
  cloudflow::parameter<double> limit{"limit", "Readings above this are passed on.", 30.0};

  auto logic(const cloudflow::context& ctx) const {
    return from(in)
        .filter([limit = ctx[limit]](const reading::view& r) { return r.celsius > limit; })
        .to(out);
  }
};

int main(int argc, char** argv) { return cloudflow::application<hot_readings>(argc, argv); }
