#include "programs/rows.hpp"

#include <cstdio>
#include <cstdlib>
#include <string_view>

std::vector<faults::row>& faults::rows() {
  static std::vector<row> all;
  return all;
}

namespace {

const faults::row& chosen() {
  const char* name = std::getenv("CLOUDFLOW_FAULT");
  for (const auto& each : faults::rows())
    if (name != nullptr && each.name == name) return each;
  std::fprintf(stderr, "CLOUDFLOW_FAULT has to be one of:");
  for (const auto& each : faults::rows()) std::fprintf(stderr, " %s", each.name.c_str());
  std::fprintf(stderr, "\n");
  std::exit(2);
}

}  // namespace

const cloudflow::application_info& cloudflow::this_application() {
  static const auto& row = chosen();
  static const application_info info{"faults", "1", "blueprint.conf", row.blueprint};
  return info;
}

int main(int argc, char** argv) { return chosen().run(argc, argv); }
