/// Runs small applications on a log in a directory of its own, in virtual time, step by step.
#pragma once

#include "cloudflow/application/provision.hpp"
#include "cloudflow/pubsub/at_once.hpp"
#include "cloudflow/pubsub/embedded/log.hpp"
#include "cloudflow/runtime/plan_builder.test.hpp"
#include "cloudflow/runtime/records.test.hpp"
#include "cloudflow/runtime/runtime.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <limits>
#include <map>
#include <string>
#include <vector>

namespace cloudflow::runtime {

/// Forwards to a log, but fails commits and keeps answers back when told to.
class flaky_backend final : public pubsub::backend {
public:
  explicit flaky_backend(pubsub::backend& log) : log_(&log) {}
  /// The next `count` commits fail like that.
  void fail(int count, pubsub::error why) {
    failures_ = count;
    why_ = std::move(why);
  }

  int failures_left() const { return failures_; }
  /// A commit of more bytes fails, as one does that takes longer than brokers give it.
  void refuse_larger_than(std::size_t bytes, pubsub::error why) {
    most_bytes_ = bytes;
    why_ = std::move(why);
  }

  /// Where partitions end is not said before answer().
  void hold_answers() { are_held_ = true; }
  /// Answers what has been asked so far; with an error if there is one.
  void answer(const std::optional<pubsub::error>& why = {}) {
    for (const auto& [of, then] : std::exchange(held_, {}))
      if (why)
        then(*why);
      else
        log_->ask_end(of, then);
  }
  std::size_t questions() const { return held_.size(); }

  void ask_end(const pubsub::topic_partition& of,
               const std::function<void(const pubsub::result<record_offset>&)>& then) override {
    if (are_held_)
      held_.emplace_back(of, then);
    else
      log_->ask_end(of, then);
  }
  pubsub::result<pubsub::topic_info> ensure_topic(const pubsub::topic_spec& t) override {
    return log_->ensure_topic(t);
  }
  pubsub::result<std::vector<pubsub::topic_info>> topics() const override { return log_->topics(); }
  pubsub::result<pubsub::topic_info> topic(std::string_view name) const override {
    return log_->topic(name);
  }
  pubsub::result<std::unique_ptr<pubsub::producer>> open_producer(
      const pubsub::producer_options& o) override {
    auto opened = log_->open_producer(o);
    if (!opened) return std::move(opened).error();
    return std::unique_ptr<pubsub::producer>{
        std::make_unique<flaky_producer>(this, std::move(opened).value())};
  }
  pubsub::result<std::unique_ptr<pubsub::consumer>> open_consumer(
      const pubsub::consumer_options& o) override {
    return log_->open_consumer(o);
  }
  pubsub::result<pubsub::record_batch> read(const pubsub::topic_partition& p, record_offset from,
                                            pubsub::fetch_limits limits) const override {
    return log_->read(p, from, limits);
  }
  pubsub::result<std::optional<record_offset>> position(
      std::string_view group, const pubsub::topic_partition& source) const override {
    return log_->position(group, source);
  }
  pubsub::result<bool> has_members(std::string_view group) const override {
    return log_->has_members(group);
  }
  pubsub::result<record_offset> offset_at(const pubsub::topic_partition& source,
                                          timestamp at) const override {
    return log_->offset_at(source, at);
  }
  void forget_before(const pubsub::topic_partition& of, record_offset needed) override {
    log_->forget_before(of, needed);
  }
  pubsub::result<void> ensure_state(std::string_view owner, std::int32_t partitions) override {
    return log_->ensure_state(owner, partitions);
  }
  pubsub::result<bool> restore(std::string_view owner, partition_id partition,
                               const std::function<void()>& on_ready) override {
    return log_->restore(owner, partition, on_ready);
  }
  void give_up(std::string_view owner, partition_id partition) override {
    log_->give_up(owner, partition);
  }
  pubsub::schema_store& schemas() override { return log_->schemas(); }
  const pubsub::state_reader& state() const override { return log_->state(); }

private:
  struct flaky_producer final : pubsub::producer_at_once {
    flaky_producer(flaky_backend* owner, std::unique_ptr<pubsub::producer> to)
      : owner_(owner), to_(std::move(to)) {}
    pubsub::result<void> commit(const pubsub::transaction& changes) override {
      if (owner_->failures_ > 0) return --owner_->failures_, owner_->why_;
      std::size_t bytes = 0;
      for (const auto& out : changes.outputs) bytes += out.records->byte_size();
      if (bytes > owner_->most_bytes_) return owner_->why_;
      return to_->commit(changes);
    }
    flaky_backend* owner_;
    std::unique_ptr<pubsub::producer> to_;
  };
  pubsub::backend* log_;
  int failures_ = 0;
  std::size_t most_bytes_ = std::numeric_limits<std::size_t>::max();
  pubsub::error why_;
  bool are_held_ = false;
  std::vector<
      std::pair<pubsub::topic_partition, std::function<void(const pubsub::result<record_offset>&)>>>
      held_;
};

class application : public ::testing::Test, public records_of_a_log {
protected:
  application() {
    std::string name =
        (std::filesystem::temp_directory_path() / "cloudflow-runtime-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
    open_log();
  }
  ~application() override {
    runtime.reset();
    log.reset();
    std::filesystem::remove_all(directory_);
  }

  // -- the plan ---

  template <class T>
  void topic(const std::string& id, std::int32_t partitions = 1) {
    built.topic<T>(id, partitions);
  }
  template <class S>
  void streamlet(const std::string& name,
                 blueprint::bad_record_policy policy = blueprint::bad_record_policy::dead_letter) {
    built.streamlet<S>(name, policy);
  }

  // -- running ---

  void open_log() {
    pubsub::embedded::options how;
    how.directory = directory_ + "/log";
    how.sync_commits = false;
    auto opened = pubsub::embedded::open(how, clock);
    ASSERT_TRUE(opened) << opened.error().message;
    log = std::move(opened).value();
    backend = std::make_unique<flaky_backend>(*log);
  }
  result<void> try_start(std::size_t workers = 2) {
    runtime_options how;
    how.workers = workers;
    how.worker = worker;
    auto facts = app::provision(plan, *backend);
    if (!facts) return facts.error();
    auto started = native_runtime::create(
        plan, std::move(facts).value(),
        {.log = backend.get(),
         .time = time,
         .definition_of = [this](const std::string& c) { return built.definitions.at(c); },
         .endpoint_of = {},
         .on_listening = {}},
        how);
    if (!started) return started.error();
    runtime = std::move(started).value();
    return {};
  }
  void start(std::size_t workers = 2) {
    const auto started = try_start(workers);
    ASSERT_TRUE(started) << started.error().message;
  }
  /// As after a SIGKILL: nothing is committed any more.
  void kill() { runtime.reset(); }
  void step(int rounds = 20) {
    for (int n = 0; n != rounds; ++n) {
      clock.advance(std::chrono::milliseconds{5});
      for (const auto& w : runtime->workers()) w->step();
    }
  }
  void run_to_end() {
    for (int n = 0; n != 10'000; ++n) {
      step(1);
      if (runtime->advance_to_end()) return;
    }
    FAIL() << "the application does not come to an end";
  }

  pubsub::backend& test_log() override { return *log; }

  virtual_clock clock;
  const cloudflow::clock* time = &clock;
  plan_builder built;
  blueprint::plan& plan = built.plan;
  std::unique_ptr<pubsub::embedded::log> log;
  std::unique_ptr<flaky_backend> backend;
  std::unique_ptr<native_runtime> runtime;
  worker_options worker;

private:
  std::string directory_;
};

}  // namespace cloudflow::runtime
