/// The native runtime: everything of a plan that runs in this process.
#pragma once

#include "cloudflow/application/topic_facts.hpp"
#include "cloudflow/blueprint/plan.hpp"
#include "cloudflow/runtime/crash_history.hpp"
#include "cloudflow/runtime/worker.hpp"
#include "cloudflow/streamlet/program_facts.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace cloudflow::runtime {

struct runtime_options {
  /// For each guarantee that a streamlet of the plan has, and each place where one is exactly-once.
  std::size_t workers = 2;
  worker_options worker;
  /// Distinguishes this process from others with the same streamlets: `<streamlet>.<ordinal>`;
  /// empty: it is the only one.
  std::string instance;
};

/// What a runtime is given; all of it outlives the runtime.
struct dependencies {
  pubsub::backend* log = nullptr;
  const clock* time = nullptr;
  logger log_lines{make_null_sink(), "runtime"};
  find_definition definition_of;
  /// Where the server of a streamlet listens.
  std::function<server_endpoint(const std::string& streamlet)> endpoint_of;
  std::function<void(const std::string& streamlet, std::string_view url)> on_listening;
  blueprint::secret_texts secrets = {};  ///< what the plan refers to
  crash_history crashes = {};            ///< of the processes before this one
};

/// The streamlets of a plan as tasks on workers. It starts no thread: an executor (threads.hpp), or
/// a simulation, steps the workers. What is not said to be thread-safe is called before they are
/// first stepped, or after the last.
class native_runtime {
public:
  /// Opens the stores and joins the groups. `facts`: of this plan, as provision() gives them. The
  /// plan outlives the runtime. Errors: a class that the program does not have; facts of another
  /// plan; a schema or a state that cannot be read any more.
  static result<std::unique_ptr<native_runtime>> create(const blueprint::plan& plan,
                                                        app::topic_facts facts, dependencies around,
                                                        const runtime_options& options);
  ~native_runtime();

  const std::vector<worker*>& workers() const noexcept { return workers_; }
  /// Thread-safe.
  std::vector<task_status> status() const;
  std::vector<worker_status> worker_statuses() const;
  /// In its groups, and every task that has a partition is running: `/ready`. Thread-safe.
  bool is_ready() const { return why_not_ready().empty(); }
  /// The first reason: a group that this process is no member of, commits that make no progress, a
  /// task that does not run. Empty: it is ready. Thread-safe.
  std::string why_not_ready() const;
  /// Only a new process can go on. Thread-safe.
  bool must_end() const;

  /// Works towards the end of input, which no source will add to any more: when nothing moves, the
  /// streamlets whose producers have ended fire what is open, and so on downstream. Call it again
  /// and again; true when everything has been read, fired and committed. Thread-safe, for one
  /// caller.
  bool advance_to_end();

private:
  native_runtime(const blueprint::plan& plan, app::topic_facts facts, dependencies around,
                 const runtime_options& options);
  result<void> check_facts() const;
  result<void> start_streamlet(const blueprint::streamlet_plan& s, flow::store_needs needs);
  result<void> bind_ports(streamlet_instance& s) const;
  result<inlet_binding> bind_inlet(const blueprint::port_plan& port) const;
  outlet_binding bind_outlet(const blueprint::port_plan& port) const;
  result<void> open_stores(streamlet_instance& s, std::int32_t partitions);
  result<void> start_tasks(streamlet_instance& s);
  result<void> join(streamlet_instance& s, const std::vector<task*>& tasks);
  result<std::int32_t> partitions_of(const streamlet_instance& s) const;
  std::vector<std::unique_ptr<worker>>& workers_for(const blueprint::streamlet_plan& s);
  void share_memory() const;
  template <class F>
  void each_task(F f) const;
  bool is_quiet() const;
  bool has_read_everything() const;
  void wake_all();

  /// Of a topic that there may be; empty: there is none.
  std::string name_of(const std::optional<std::size_t>& topic) const {
    return topic ? facts_.topics[*topic].name : std::string{};
  }
  const app::topic_fact& fact_of(const blueprint::port_plan& port) const {
    return facts_.topics[port.topic];
  }

  const blueprint::plan* plan_;
  app::topic_facts facts_;
  dependencies dependencies_;
  runtime_options options_;
  std::vector<std::unique_ptr<streamlet_instance>> streamlets_;
  std::map<std::string, std::vector<std::unique_ptr<worker>>>
      by_commit_domain_;          ///< see workers_for
  std::vector<worker*> workers_;  ///< all of them
  std::vector<std::string>
      finished_;  ///< streamlets that have been told that their input has ended
};

}  // namespace cloudflow::runtime
