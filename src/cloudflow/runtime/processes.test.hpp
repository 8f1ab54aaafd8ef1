/// Runs several processes of a small application on one simulated log, step by step.
#pragma once

#include "cloudflow/application/provision.hpp"
#include "cloudflow/pubsub/simulated/cluster.hpp"
#include "cloudflow/runtime/plan_builder.test.hpp"
#include "cloudflow/runtime/records.test.hpp"
#include "cloudflow/runtime/runtime.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

namespace cloudflow::runtime {

using blueprint::bad_record_policy;

struct process {
  std::unique_ptr<pubsub::simulated::session> log;
  std::unique_ptr<native_runtime> runtime;

  /// Of a task.
  task_status status(std::size_t at = 0) const { return runtime->status().at(at); }
  void stop() {
    for (auto* w : runtime->workers()) w->flush();
    runtime.reset();
  }
  void crash() {
    log->crash();
    runtime.reset();
  }
};

/// Several processes of one application, each with one worker, on one log.
class processes : public ::testing::Test, public records_of_a_log {
protected:
  template <class S>
  void application(std::int32_t partitions = 1,
                   bad_record_policy policy = bad_record_policy::dead_letter) {
    const auto described = definition_of<S>().describe().value();
    for (const auto& inlet : described.inlets) built.topic<line>(inlet.name, partitions);
    for (const auto& outlet : described.outlets) {
      if (outlet.name == "counts")
        built.topic<count>(outlet.name);
      else
        built.topic<line>(outlet.name);
    }
    auto& s = built.streamlet<S>("app", policy);
    if (!described.states.empty())
      for (auto& inlet : s.inlets) inlet.group = s.inlets[0].group;
  }
  process start(const std::string& name) {
    process p;
    p.log = brokers.connect();
    auto facts = app::provision(built.plan, *p.log);
    EXPECT_TRUE(facts) << facts.error().message;
    auto started = native_runtime::create(
        built.plan, std::move(facts).value(),
        {.log = p.log.get(),
         .time = time,
         .definition_of = [this](const std::string& c) { return built.definitions.at(c); },
         .endpoint_of = {},
         .on_listening = {}},
        {.workers = 1, .worker = {}, .instance = name});
    EXPECT_TRUE(started) << started.error().message;
    p.runtime = std::move(started).value();
    return p;
  }
  void step(std::initializer_list<process*> all, int rounds = 20) {
    for (int n = 0; n != rounds; ++n) {
      clock.advance(std::chrono::milliseconds{5});
      for (const auto* p : all) p->runtime->workers()[0]->step();
    }
  }
  void run_to_end(process& p) {
    for (int n = 0; n != 10'000; ++n) {
      step({&p}, 1);
      if (p.runtime->advance_to_end()) return;
    }
    FAIL() << "the application does not come to an end";
  }
  static line say(const std::string& text) { return {"a", at(0), text}; }
  static std::vector<line> say_all(const std::vector<std::string>& all) {
    std::vector<line> lines;
    for (const auto& text : all) lines.push_back(say(text));
    return lines;
  }
  void hold_commits() { brokers.set_fault_profile({.holds_commits = true}); }
  void let_commits_end() { brokers.set_fault_profile({}); }
  pubsub::backend& test_log() override { return *log; }
  void TearDown() override { EXPECT_THAT(brokers.violations(), testing::IsEmpty()); }

  virtual_clock clock;
  const cloudflow::clock* time = &clock;
  plan_builder built;
  pubsub::simulated::cluster brokers{clock};
  std::unique_ptr<pubsub::simulated::session> log = brokers.connect();
};

}  // namespace cloudflow::runtime
