/// The native runtime: everything of a plan that runs in this process.
#pragma once

#include "cloudflow/blueprint/plan.hpp"
#include "cloudflow/runtime/worker.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace cloudflow::runtime {

struct runtime_options {
  /// For each guarantee that a streamlet of the plan has, and each place where one is exactly-once.
  std::size_t workers = 2;
  worker_options worker;
  /// Distinguishes this process from others with the same streamlets: `<streamlet>.<ordinal>`; empty: it is the only one.
  std::string instance;
};

/// What a runtime is given; all of it outlives the runtime.
struct surroundings {
  pubsub::backend* log = nullptr;
  const clock* time = nullptr;
  logger log_lines{make_null_sink(), "runtime"};
  /// The definition of a class of the plan; null if this program does not have it.
  std::function<const streamlet_definition*(const std::string& class_name)> definition_of;
  /// Where the server of a streamlet listens.
  std::function<server_endpoint(const std::string& streamlet)> endpoint_of;
  std::function<void(const std::string& streamlet, std::string_view url)> on_listening;
};

/// The streamlets of a plan as tasks on workers. It starts no thread: an executor (threads.hpp), or a simulation,
/// steps the workers. What is not said to be thread-safe is called before they are first stepped, or after the last.
class native_runtime {
public:
  /// Creates topics, stores schemas, joins the groups. Errors: a class that the program does not have, a topic that
  /// differs from the plan, a schema or a state that cannot be read any more.
  static result<std::unique_ptr<native_runtime>> create(const blueprint::plan& plan,
                                                        surroundings around,
                                                        const runtime_options& options);
  ~native_runtime();

  const std::vector<worker*>& workers() const noexcept { return workers_; }
  /// Thread-safe.
  std::vector<task_status> status() const;
  std::vector<worker_status> worker_statuses() const;
  /// In its groups, and every task that has a partition is running: `/ready`. Thread-safe.
  bool is_ready() const;

  /// Works towards the end of input, which no source will add to any more: when nothing moves, the streamlets whose
  /// producers have ended fire what is open, and so on downstream. Call it again and again; true when everything has
  /// been read, fired and committed. Thread-safe, for one caller.
  bool advance_to_end();

private:
  native_runtime(const blueprint::plan& plan, surroundings around, const runtime_options& options);
  result<void> start_topics();
  result<void> start_topic(const blueprint::topic_plan& t);
  std::int32_t wanted_partitions(const blueprint::topic_plan& t) const;
  result<void> start_streamlet(const blueprint::streamlet_plan& s);
  result<void> open_outlets(streamlet_instance& s) const;
  result<void> open_readers(streamlet_instance& s) const;
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

  const blueprint::plan* plan_;
  surroundings around_;
  runtime_options options_;
  std::vector<std::unique_ptr<streamlet_instance>> streamlets_;
  std::map<std::string, std::vector<std::unique_ptr<worker>>> by_promise_;  ///< see workers_for
  std::vector<worker*> workers_;                                            ///< all of them
  std::vector<std::string>
      finished_;  ///< streamlets that have been told that their input has ended
};

}  // namespace cloudflow::runtime
