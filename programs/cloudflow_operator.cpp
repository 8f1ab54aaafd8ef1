// The program of the operator's image.
#include "cloudflow/operator/run.hpp"
#include "cloudflow/pubsub/kafka/cluster.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <string>

int main(int argc, char** argv) {
  using namespace cloudflow;
  controller::operator_options options;
  system_clock time;
  kube::kubeconfig_options where;
  where.time = &time;
  std::string kubeconfig, level = "info";

  CLI::App cli{"Looks after Cloudflow applications on a Kubernetes cluster."};
  cli.add_option("--name", options.name, "Of this process, unlike that of any other.")
      ->envname("POD_NAME")
      ->capture_default_str();
  cli.add_option("--own-namespace", options.own_namespace, "Where it runs, and Kafka clusters are.")
      ->envname("POD_NAMESPACE")
      ->capture_default_str();
  cli.add_option("--namespace", options.name_space, "To look after; without it all of them.")
      ->envname("CONTROLLED_NAMESPACE");
  cli.add_option("--kubeconfig", kubeconfig, "Of the cluster; without it that of its pod.");
  cli.add_option("--context", where.context, "Of the kubeconfig.");
  cli.add_option("--port", options.port, "Of /checks/healthy and /checks/ready.")
      ->capture_default_str();
  auto& r = options.resources;
  cli.add_option("--requests-cpu", r.requests_cpu, "Of a streamlet's container.")
      ->capture_default_str();
  cli.add_option("--requests-memory", r.requests_memory)->capture_default_str();
  cli.add_option("--limits-cpu", r.limits_cpu);
  cli.add_option("--limits-memory", r.limits_memory);
  cli.add_option("--log-level", level, "debug, info, warn, error or off.")->capture_default_str();
  CLI11_PARSE(cli, argc, argv);

  options.level = log_level_of(level, log_level::info);
  if (!kubeconfig.empty()) where.file = kubeconfig;
  const auto cluster = kube::find_access(where);
  if (!cluster) {
    fmt::print(stderr, "error: {}\n", cluster.error().message);
    return 1;
  }
  return controller::run_operator(*cluster, &pubsub::kafka::open, options);
}
