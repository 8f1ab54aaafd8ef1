#include "cloudflow/streamlet/streamlet.hpp"

#include "cloudflow/flow/emissions.hpp"
#include "cloudflow/streamlet/program_facts.hpp"

#include "flow_test_schemas/line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace cloudflow {
namespace {

using flowtest::line;
using ::testing::HasSubstr;
using ::testing::Not;

template <class S>
std::string mistakes_of() {
  const auto described = definition_of<S>().describe();
  return described ? std::string{} : described.error().message;
}

// -- several processes ----------------------------------------------------------------------------

struct silent final : source<line> {
  flow::source_status poll(emitter<line>&) override { return flow::source_status::ended; }
};
auto from_silence() { return from(std::shared_ptr<source<line>>{std::make_shared<silent>()}); }

struct counts_what_it_makes {
  outlet<line> out{"out"};
  state<std::int64_t> counted{"counted"};
  auto logic() const {
    return from_silence()
        .key_by(&line::app)
        .fold(counted, [](std::int64_t& n, const line&) { ++n; })
        .map([](const auto& k) {
          return line{k.key, {}, {}};
        })
        .to(out);
  }
};
struct passes_on_what_it_makes {
  outlet<line> out{"out"};
  auto logic() const { return from_silence().to(out); }
};

template <class S>
std::string refusal_of(int replicas) {
  blueprint::plan plan;
  plan.streamlets.push_back({.name = "maker", .replicas = replicas});
  const auto facts =
      facts_of_program(plan, {}, [](const std::string&) { return &definition_of<S>(); });
  return facts ? std::string{} : facts.error().message;
}

TEST(several_processes, of_a_streamlet_that_keeps_state_without_inlets_are_refused) {
  EXPECT_THAT(refusal_of<counts_what_it_makes>(2),
              HasSubstr("streamlet maker: it keeps state or event time and has no inlets"));
  EXPECT_EQ(refusal_of<counts_what_it_makes>(1), "");
  EXPECT_EQ(refusal_of<passes_on_what_it_makes>(2), "");
}

// -- names that are declared twice ----------------------------------------------------------------

struct two_states {
  inlet<line> in{"in"};
  outlet<line> out{"out"};
  state<std::int64_t> first{"n"}, second{"n"};
  auto logic() const {
    const auto more = [](std::int64_t& n, const auto&) { ++n; };
    return from(in)
        .key_by(&line::app)
        .fold(first, more)
        .map([](const auto& k) {
          return line{k.key, {}, {}};
        })
        .key_by(&line::app)
        .fold(second, more)
        .map([](const auto& k) {
          return line{k.key, {}, {}};
        })
        .to(out);
  }
};

TEST(fault_b1, two_states_of_one_name_are_refused_with_both_members) {
  EXPECT_THAT(
      mistakes_of<two_states>(),
      HasSubstr("two_states: state `n` is declared twice: by the members first and second"));
}

struct many_of_one_name {
  inlet<line> a{"port"}, b{"port"}, c{"both"};
  outlet<line> d{"port-2"}, e{"port-2"}, f{"both"};
  state<std::int64_t> g{"both"};
  parameter<bool> h{"on", "", true}, i{"on", "", false};
  volume_mount j{"disk", "/a", access::read_only_many}, k{"disk", "/b", access::read_only_many};
  auto logic() const { return from(a).to(d); }
};

TEST(fault_b4, whatever_is_declared_twice_is_told_at_once_with_both_members) {
  const auto all = mistakes_of<many_of_one_name>();
  EXPECT_THAT(all, HasSubstr("inlet `port` is declared twice: by the members a and b"));
  EXPECT_THAT(all, HasSubstr("outlet `port-2` is declared twice: by the members d and e"));
  EXPECT_THAT(all, Not(HasSubstr("outlet f")));
  EXPECT_THAT(all, HasSubstr("`both` is declared twice: by inlet c and state g"));
  EXPECT_THAT(all, HasSubstr("parameter `on` is declared twice: by the members h and i"));
  EXPECT_THAT(all, HasSubstr("volume mount `disk` is declared twice: by the members j and k"));
}

// -- logic() that throws --------------------------------------------------------------------------

struct throws_something {
  inlet<line> in{"in"};
  outlet<line> out{"out"};
  auto logic() const {
    if (in.name() == "in") throw 42;
    return from(in).to(out);
  }
};
struct throws_a_runtime_error {
  inlet<line> in{"in"};
  outlet<line> out{"out"};
  auto logic() const {
    if (in.name() == "in") throw std::runtime_error("no such file");
    return from(in).to(out);
  }
};
std::string refused() { throw std::runtime_error("not today"); }
struct cannot_be_made {
  std::string text = refused();
  inlet<line> in{"in"};
  outlet<line> out{"out"};
  auto logic() const { return from(in).to(out); }
};

TEST(fault_b9, what_logic_throws_is_told_with_the_streamlet) {
  EXPECT_THAT(mistakes_of<throws_something>(), HasSubstr("throws_something: logic() throws where"));
  EXPECT_THAT(
      mistakes_of<throws_a_runtime_error>(),
      HasSubstr("throws_a_runtime_error: logic() throws where it is described: no such file"));
  EXPECT_THAT(mistakes_of<cannot_be_made>(),
              HasSubstr("cannot_be_made: its members cannot be made: not today"));
  EXPECT_THROW((void)definition_of<throws_something>().check({}), std::exception);
  EXPECT_THROW((void)definition_of<cannot_be_made>().check({}), std::exception);
}

struct leaves_much_undone {
  inlet<line> in{"in"}, other{"other"};
  outlet<line> out{"out"}, more{"more"};
  state<std::int64_t> kept{"kept"};
  auto logic() const { return from(in).to(out); }
};

TEST(fault_b9, all_that_is_unused_is_told_in_one_run) {
  const auto all = mistakes_of<leaves_much_undone>();
  EXPECT_THAT(all, HasSubstr("leaves_much_undone: inlet `other` is never read\n"));
  EXPECT_THAT(all, HasSubstr("leaves_much_undone: outlet `more` is never written\n"));
  EXPECT_THAT(all, HasSubstr("leaves_much_undone: state `kept` is never used"));
}

// -- required parameters --------------------------------------------------------------------------

std::string parse_url(const std::string& text) {
  if (!text.starts_with("http://")) throw std::invalid_argument("no URL: " + text);
  return text;
}
struct judges_its_values {
  inlet<line> in{"in"};
  outlet<line> out{"out"};
  parameter<std::string> url{"url", "Where it goes."};
  parameter<std::chrono::milliseconds> every{"every", "How often.",
                                             [](auto t) { return t.count() > 0; }};
  auto logic(const context& ctx) const {
    parse_url(ctx[url]);
    if (ctx[every].count() == 0) throw std::invalid_argument("never");
    return from(in).to(out);
  }
};

TEST(fault_b9, a_required_parameter_that_logic_judges_gets_a_value_that_it_takes) {
  EXPECT_EQ(mistakes_of<judges_its_values>(), "");
}

TEST(fault_b9, a_required_parameter_has_no_value_but_that_of_the_configuration) {
  streamlet_config d;
  EXPECT_THROW((void)definition_of<judges_its_values>().check(d), std::invalid_argument);
  d.parameters = {{"url", "http://here"}, {"every", "0 s"}};
  EXPECT_THROW((void)definition_of<judges_its_values>().check(d), std::invalid_argument);
  d.parameters["every"] = "2 s";
  EXPECT_NO_THROW((void)definition_of<judges_its_values>().check(d));
}

struct wants_a_password {
  inlet<line> in{"in"};
  outlet<line> out{"out"};
  parameter<std::string> word{"word", "A word."};
  auto logic(const context& ctx) const {
    if (ctx[word] != "open sesame") throw std::invalid_argument("wrong word");
    return from(in).to(out);
  }
};
struct gives_an_example {
  inlet<line> in{"in"};
  outlet<line> out{"out"};
  parameter<std::string> word{"word", "A word.", example{"open sesame"},
                              [](const std::string& s) { return s.size() > 3; }};
  auto logic(const context& ctx) const {
    if (ctx[word] != "open sesame") throw std::invalid_argument("wrong word");
    return from(in).to(out);
  }
};
struct refuses_itself {
  inlet<line> in{"in"};
  outlet<line> out{"out"};
  parameter<int> number{"number", "", 3, [](int n) { return n > 3; }};
  parameter<int> big{"big", "", [](int n) { return n > 1'000'000; }};
  auto logic() const { return from(in).to(out); }
};

TEST(fault_b9, where_no_value_can_be_found_the_parameter_is_named_with_the_way_out) {
  EXPECT_THAT(mistakes_of<wants_a_password>(),
              HasSubstr("wrong word; parameter `word` is required"));
  EXPECT_THAT(mistakes_of<wants_a_password>(), HasSubstr("cloudflow::example{...}"));
  EXPECT_EQ(mistakes_of<gives_an_example>(), "");
  const auto described = definition_of<gives_an_example>().describe();
  ASSERT_TRUE(described);
  EXPECT_EQ(described->config_parameters[0].default_value, std::nullopt);
  EXPECT_THROW((void)definition_of<gives_an_example>().check({}), std::invalid_argument);
  EXPECT_THAT(mistakes_of<refuses_itself>(),
              HasSubstr("the default of parameter `number` is not allowed by its own check"));
  EXPECT_THAT(mistakes_of<refuses_itself>(), HasSubstr("parameter `big` has neither"));
}

// -- the context ----------------------------------------------------------------------------------

struct keeps_the_context {
  inlet<line> in{"in"};
  outlet<line> out{"out"};
  parameter<std::string> ignored{"ignored", "", "none"};
  server_port server;
  auto logic(const context& ctx) const {
    const auto& endpoint = ctx[server];
    return from(in)
        .filter([&, this](const line::view& l) {
          return l.app != ctx[ignored] && ctx.streamlet() == "here" && endpoint.port == 7;
        })
        .to(out);
  }
};

TEST(fault_b6, the_context_and_what_it_gives_live_as_long_as_the_pipeline) {
  class no_state final : public stores::store_reader {
    std::optional<std::string> find(std::size_t, std::string_view) const override { return {}; }
    void scan(std::size_t, std::string_view,
              const std::function<bool(std::string_view, std::string_view)>&) const override {}
  } stores;
  flow::changes changes;
  changes.outputs.emplace_back(1);
  virtual_clock time;
  std::unique_ptr<flow::operator_chain> program;
  {
    streamlet_config d;
    d.streamlet = "here";
    d.server.port = 7;
    d.parameters["ignored"] = "a parameter too long for the small text that lies in the object";
    program = definition_of<keeps_the_context>().start(
        d, {.out = &changes, .stores = &stores, .time = &time});
  }
  byte_writer bytes;
  codec<line>::encode(line{"app", {}, "text"}, bytes);
  const record_view record{"", bytes.view(), {}, {}, record_offset{0}};
  (void)program->run({0, "in", 0, {&record, 1}});
  EXPECT_EQ(changes.outputs[0].size(), 1U);
}

}  // namespace
}  // namespace cloudflow
