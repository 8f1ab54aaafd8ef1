// The kubectl plugin.
#include "cloudflow/cli/commands.hpp"

int main(int argc, char** argv) {
  return cloudflow::cli::run_kubectl_cloudflow(CLOUDFLOW_VERSION, argc, argv);
}
