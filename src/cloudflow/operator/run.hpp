/// The operator as a process.
#pragma once

#include "cloudflow/base/log.hpp"
#include "cloudflow/kube/access.hpp"
#include "cloudflow/operator/objects.hpp"
#include "cloudflow/pubsub/cluster_options.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace cloudflow::controller {

/// What clients and operators of a protocol understand of each other; 2.3's.
inline constexpr const char* protocol_version = "7";

struct operator_options {
  std::string name = "cloudflow-operator";  ///< of this process, unlike that of any other
  std::string own_namespace = "cloudflow";
  std::string name_space = {};  ///< to look after; empty: all
  std::string address = "0.0.0.0";
  std::uint16_t port = 5001;       ///< of /checks/healthy and /checks/ready; 0: any
  std::chrono::seconds lease{15};  ///< see kube::lease_options
  std::size_t workers = 4;         ///< applications that are looked at at a time
  default_resources resources = {};
  log_level level = log_level::info;
};

/// Looks after applications until SIGTERM or SIGINT. Of several processes the one that holds the
/// Lease `cloudflow-operator` acts; the others wait for it. Returns the exit code: 0 after a
/// signal, 1 when the health cannot be served or the lease is lost.
int run_operator(const kube::access& cluster, pubsub::open_cluster open_kafka,
                 const operator_options& options);

}  // namespace cloudflow::controller
