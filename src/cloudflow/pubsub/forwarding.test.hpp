/// What a log that wraps another one passes on.
#pragma once

#include "cloudflow/pubsub/at_once.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <set>
#include <string>

namespace cloudflow::pubsub {

/// Notes what it is called for, and has nothing. Clients that it hands out note into it.
class counting_backend : public backend, public schema_store, public state_reader {
public:
  mutable std::set<std::string> calls;

  result<topic_info> ensure_topic(const topic_spec& t) override { return topic_of(t.name, "make"); }
  result<std::vector<topic_info>> topics() const override {
    calls.insert("topics");
    return std::vector<topic_info>{};
  }
  result<topic_info> topic(std::string_view name) const override {
    return topic_of(std::string{name}, "topic");
  }
  result<record_batch> read(const topic_partition&, record_offset, fetch_limits) const override {
    calls.insert("read");
    return record_batch{};
  }
  result<record_offset> offset_at(const topic_partition&, timestamp) const override {
    calls.insert("offset_at");
    return record_offset{0};
  }
  void ask_end(const topic_partition&,
               const std::function<void(const result<record_offset>&)>& then) override {
    calls.insert("ask_end");
    then(record_offset{0});
  }
  void forget_before(const topic_partition&, record_offset) override {
    calls.insert("forget_before");
  }
  result<std::optional<record_offset>> position(std::string_view,
                                                const topic_partition&) const override {
    calls.insert("position");
    return std::optional<record_offset>{};
  }
  result<bool> has_members(std::string_view) const override {
    calls.insert("has_members");
    return false;
  }
  result<void> ensure_state(std::string_view, std::int32_t) override {
    calls.insert("ensure_state");
    return {};
  }
  result<bool> restore(std::string_view, partition_id, const std::function<void()>&) override {
    calls.insert("restore");
    return true;
  }
  void give_up(std::string_view, partition_id) override { calls.insert("give_up"); }
  const state_reader& state() const override { return *this; }
  schema_store& schemas() override { return *this; }
  result<void> put(std::string_view, std::string_view) override {
    calls.insert("schemas.put");
    return {};
  }
  result<std::optional<std::string>> find(std::string_view) const override {
    calls.insert("schemas.find");
    return std::optional<std::string>{};
  }
  result<std::optional<std::string>> find(std::string_view, partition_id,
                                          std::string_view) const override {
    calls.insert("state.find");
    return std::optional<std::string>{};
  }
  result<void> scan(std::string_view, partition_id, std::string_view,
                    const std::function<bool(std::string_view, std::string_view)>&) const override {
    calls.insert("state.scan");
    return {};
  }
  result<std::unique_ptr<producer>> open_producer(const producer_options&) override {
    return std::unique_ptr<producer>{std::make_unique<counting_producer>(*this)};
  }
  result<std::unique_ptr<consumer>> open_consumer(const consumer_options&) override {
    return std::unique_ptr<consumer>{std::make_unique<counting_consumer>(*this)};
  }

private:
  result<topic_info> topic_of(const std::string& name, const char* call) const {
    calls.insert(call);
    topic_info info;
    info.spec.name = name;
    return info;
  }
  struct counting_producer final : producer {
    explicit counting_producer(counting_backend& of) : calls(&of.calls) {}
    result<void> commit(const transaction&) override {
      calls->insert("commit");
      return {};
    }
    void begin(const transaction&) override { calls->insert("begin"); }
    std::optional<result<void>> outcome() override {
      calls->insert("outcome");
      return result<void>{};
    }
    std::string trouble() const override {
      calls->insert("trouble");
      return {};
    }
    std::set<std::string>* calls;
  };
  struct counting_consumer final : consumer {
    explicit counting_consumer(counting_backend& of) : calls(&of.calls) {}
    result<std::vector<assignment>> poll_assignments() override {
      calls->insert("poll_assignments");
      return std::vector<assignment>{};
    }
    result<record_batch> fetch(const topic_partition&, fetch_limits) override {
      calls->insert("fetch");
      return record_batch{};
    }
    result<void> seek(const topic_partition&, record_offset) override {
      calls->insert("seek");
      return {};
    }
    result<record_offset> end_offset(const topic_partition&) const override {
      calls->insert("end_offset");
      return record_offset{0};
    }
    void release(const topic_partition&) override { calls->insert("release"); }
    bool has_joined() const override {
      calls->insert("has_joined");
      return true;
    }
    std::string why_not_joined() const override {
      calls->insert("why_not_joined");
      return {};
    }
    std::set<std::string>* calls;
  };
};

/// Calls everything that a log can be called for, once, about the topic `t` and the streamlet `s`.
inline void call_everything(backend& log) {
  const topic_partition at{"t", partition_id{0}};
  log.ensure_topic({.name = "t"}).ignore("it has nothing");
  log.topics().ignore("it has nothing");
  log.topic("t").ignore("it has nothing");
  log.read(at, record_offset{0}, {}).ignore("it has nothing");
  log.offset_at(at, timestamp{}).ignore("it has nothing");
  log.ask_end(at, [](const result<record_offset>&) {});
  log.forget_before(at, record_offset{0});
  log.position("g", at).ignore("it has nothing");
  log.has_members("g").ignore("it has nothing");
  log.ensure_state("s", 1).ignore("it has nothing");
  log.restore("s", partition_id{0}, [] {}).ignore("it has nothing");
  log.give_up("s", partition_id{0});
  log.state().find("s.x", partition_id{0}, "k").ignore("it has nothing");
  log.state()
      .scan("s.x", partition_id{0}, "", [](std::string_view, std::string_view) { return true; })
      .ignore("it has nothing");
  log.schemas().put("f", "text").ignore("it has nothing");
  log.schemas().find("f").ignore("it has nothing");
  auto out = log.open_producer({.transactional_id = "p"});
  ASSERT_TRUE(out);
  record_buffer records;
  transaction changes;
  changes.outputs.push_back({"t", partition_id{0}, &records});
  (*out)->commit(changes).ignore("it has nothing");
  (*out)->begin(changes);
  (*out)->outcome();
  (*out)->trouble();
  consumer_options options;
  options.group = "g";
  options.topics = {"t"};
  auto in = log.open_consumer(options);
  ASSERT_TRUE(in);
  (*in)->poll_assignments().ignore("it has nothing");
  (*in)->fetch(at, {}).ignore("it has nothing");
  (*in)->seek(at, record_offset{0}).ignore("it has nothing");
  (*in)->end_offset(at).ignore("it has nothing");
  (*in)->release(at);
  (*in)->has_joined();
  (*in)->why_not_joined();
}

/// `wrap` gives a log around the one that it is given: each call has to arrive there.
inline void expect_everything_forwarded(
    const std::function<std::unique_ptr<backend>(backend&)>& wrap) {
  counting_backend plain, inside;
  call_everything(plain);
  const auto around = wrap(inside);
  call_everything(*around);
  EXPECT_EQ(inside.calls, plain.calls);
  constexpr std::size_t all_calls = 27;
  EXPECT_EQ(plain.calls.size(), all_calls);
}

}  // namespace cloudflow::pubsub
