/// A small application on a log in memory, in virtual time: what the commands look at and change.
#pragma once

#include "cloudflow/application/provision.hpp"
#include "cloudflow/blueprint/application.hpp"
#include "cloudflow/blueprint/resolve.hpp"
#include "cloudflow/blueprint/verify.hpp"
#include "cloudflow/operate/inlets.hpp"
#include "cloudflow/operate/offset_spec.hpp"
#include "cloudflow/pubsub/embedded/log.hpp"
#include "cloudflow/pubsub/embedded/simulated_disk.hpp"
#include "cloudflow/runtime/runtime.hpp"
#include "cloudflow/streamlet/streamlet.hpp"
#include "operate_test_schemas/count.hpp"
#include "operate_test_schemas/line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace cloudflow::operate {

using operatetest::count;
using operatetest::line;
using namespace std::chrono_literals;

inline timestamp at(std::int64_t seconds) { return timestamp{std::chrono::seconds{seconds}}; }

/// Refuses lines with the text `bad` until it is mended.
struct shouting {
  inlet<line> in{"lines"};
  outlet<line> out{"shouted", key(&line::app)};
  static inline bool is_mended = false;
  auto logic() const {
    return from(in)
        .map([](const line::view& l) {
          if (l.text == "bad" && !is_mended) throw std::runtime_error("a bad line");
          if (l.text == "worse") throw std::runtime_error("a worse line");
          return line{std::string{l.app}, l.time, std::string{l.text} + "!"};
        })
        .to(out);
  }
};

struct counting {
  inlet<line> in{"shouted", keyed_by(&line::app)};
  outlet<count> out{"counts", key(&count::app)};
  state<std::int64_t> seen{"seen"};
  auto logic() const {
    return from(in)
        .event_time(&line::time, in_order)
        .key_by(&line::app)
        .window(tumbling{60s})
        .fold(seen, [](std::int64_t& n, const line::view&) { ++n; })
        .map([](const windowed<std::string, std::int64_t>& w) {
          return count{w.key, w.window.start, w.value};
        })
        .to(out);
  }
};

/// Counts lines as they come, keyed by nothing.
struct gathering {
  inlet<line> in{"lines"};
  outlet<count> out{"counts", key(&count::app)};
  state<std::int64_t> seen{"seen"};
  auto logic() const {
    return from(in)
        .event_time(&line::time, in_order)
        .key_by(&line::app)
        .window(tumbling{60s})
        .fold(seen,
              [](std::int64_t& n, const line::view& l) {
                if (l.text == "bad" && !shouting::is_mended) throw std::runtime_error("a bad line");
                ++n;
              })
        .map([](const windowed<std::string, std::int64_t>& w) {
          return count{w.key, w.window.start, w.value};
        })
        .to(out);
  }
};

/// shouter: lines/2 -> shouted/2 -> counter -> counts
constexpr const char* two_streamlets = R"(blueprint {
  streamlets { shouter = cloudflow.operate.shouting, counter = cloudflow.operate.counting }
  topics {
    lines { consumers = [shouter.lines], partitions = 2 }
    shouted { producers = [shouter.shouted], consumers = [counter.shouted], partitions = 2 }
    counts { producers = [counter.counts] }
  } })";

class small_application : public testing::Test {
protected:
  explicit small_application(const char* text = two_streamlets) {
    shouting::is_mended = false;
    add(definition_of<shouting>());
    add(definition_of<counting>());
    add(definition_of<gathering>());
    auto verified = blueprint::verify(text, "blueprint.conf", descriptors_);
    EXPECT_TRUE(verified.is_valid()) << blueprint::to_string(verified.problems);
    const auto app = blueprint::make_application("app", "1", std::move(verified.blueprint));
    auto made = blueprint::resolve(app, {}, {});
    EXPECT_TRUE(made.result) << blueprint::to_string(made.problems);
    plan = std::move(*made.result);
    auto opened =
        pubsub::embedded::open({.directory = "/log", .file_system = disk_.file_system()}, clock);
    EXPECT_TRUE(opened) << opened.error().message;
    log = std::move(opened).value();
  }

  // -- running ---

  runtime::dependencies around() {
    return {.log = log.get(),
            .time = &clock,
            .definition_of = [this](const std::string& c) { return by_class_.at(c); },
            .endpoint_of = {},
            .on_listening = {}};
  }
  void start() {
    auto facts = app::provision(plan, *log);
    ASSERT_TRUE(facts) << facts.error().message;
    auto started = runtime::native_runtime::create(plan, std::move(facts).value(), around(), {});
    ASSERT_TRUE(started) << started.error().message;
    running = std::move(started).value();
  }
  void stop() { running.reset(); }
  void run_to_end(runtime::native_runtime& r) {
    for (int n = 0; n != 10'000; ++n) {
      clock.advance(5ms);
      for (auto* w : r.workers()) w->step();
      if (r.advance_to_end()) return;
    }
    FAIL() << "the application does not come to an end";
  }
  /// Starts it, works off what there is, and stops it.
  void run() {
    start();
    run_to_end(*running);
    stop();
  }
  void make_topics() { ASSERT_TRUE(app::provision(plan, *log)); }

  // -- records ---

  void send(const std::string& topic, std::int32_t partition, const std::vector<line>& lines) {
    record_buffer buffer;
    for (const auto& l : lines) {
      byte_writer w;
      codec<line>::encode(l, w);
      buffer.append(l.app, w.view());
    }
    write(topic, partition, buffer);
  }
  void write(const std::string& topic, std::int32_t partition, const record_buffer& records) {
    pubsub::transaction changes;
    changes.outputs.push_back({topic, partition_id{partition}, &records});
    auto producer = log->open_producer({.transactional_id = "test"});
    ASSERT_TRUE(producer);
    const auto done = (*producer)->commit(changes);
    ASSERT_TRUE(done) << done.error().message;
  }
  /// All partitions, one after the other.
  void each(const std::string& topic, const std::function<void(const record_view&)>& f) {
    const auto info = log->topic(topic);
    ASSERT_TRUE(info) << info.error().message;
    for (std::size_t p = 0; p != info->partitions.size(); ++p) {
      const auto batch = log->read({topic, partition_id{static_cast<std::int32_t>(p)}},
                                   info->partitions[p].first, {100'000, 1 << 30});
      ASSERT_TRUE(batch) << batch.error().message;
      for (const auto& r : batch->records()) f(r);
    }
  }
  std::vector<std::string> texts(const std::string& topic) {
    std::vector<std::string> all;
    each(topic, [&](const record_view& r) {
      line::view v{};
      all.emplace_back(codec<line>::decode(r.value, v) ? v.text : "undecodable");
    });
    return all;
  }
  /// `app@start: lines` of each record.
  std::vector<std::string> counts(const std::string& topic = "counts") {
    std::vector<std::string> all;
    each(topic, [&](const record_view& r) {
      count::view v{};
      if (codec<count>::decode(r.value, v))
        all.push_back(std::string{v.app} + "@" + std::to_string(v.start.time_since_epoch() / 1s) +
                      ": " + std::to_string(v.lines));
    });
    std::sort(all.begin(), all.end());
    return all;
  }

  planned_inlet inlet(const std::string& path) const { return find_inlet(plan, path).value(); }
  offset_spec where(std::string_view text) const {
    return offset_spec::parse(text, clock.now()).value();
  }

  virtual_clock clock;
  blueprint::plan plan;
  std::unique_ptr<pubsub::embedded::log> log;
  std::unique_ptr<runtime::native_runtime> running;

private:
  void add(const streamlet_definition& definition) {
    descriptors_.push_back(definition.describe().value());
    by_class_[descriptors_.back().class_name] = &definition;
  }

  pubsub::embedded::simulated_disk disk_{1};
  std::vector<blueprint::streamlet_descriptor> descriptors_;
  std::map<std::string, const streamlet_definition*> by_class_;
};

}  // namespace cloudflow::operate
