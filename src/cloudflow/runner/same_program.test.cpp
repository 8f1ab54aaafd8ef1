#include "cloudflow/runner/same_program.hpp"

#include "cloudflow/operate/fixture.test.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <utility>

namespace cloudflow::runner {
namespace {

using testing::HasSubstr;

/// What a plan has of a streamlet with two outlets and a state, and what its program says.
class a_plan : public operate::small_application {
protected:
  const blueprint::streamlet_plan& planned() { return plan.streamlets[1]; }
  blueprint::streamlet_descriptor own() { return *definition_of<operate::counting>().describe(); }
  std::string complaint(const std::function<void(blueprint::streamlet_plan&)>& change) {
    auto changed = planned();
    change(changed);
    const auto same = expect_same_program(changed, own());
    return same ? "" : same.error().message;
  }
};

TEST_F(a_plan, of_the_same_program_is_taken) {
  EXPECT_EQ(complaint([](auto&) {}), "");
}

TEST_F(a_plan, of_another_program_is_refused_with_what_differs) {
  EXPECT_THAT(complaint([](auto& s) { s.inlets[0].name = "other"; }),
              testing::AllOf(HasSubstr("the plan has inlet other, and the program has none"),
                             HasSubstr("the program has inlet shouted, and the plan has none"),
                             HasSubstr("same build")));
  EXPECT_THAT(complaint([](auto& s) { s.inlets[0].schema.fingerprint = "f"; }),
              HasSubstr("inlet shouted has"));
  EXPECT_THAT(complaint([](auto& s) { s.outlets[0].key = "k"; }), HasSubstr("keyed by k"));
  EXPECT_THAT(complaint([](auto& s) { s.states[0].value.fingerprint = "f"; }), HasSubstr("state"));
  EXPECT_THAT(complaint([](auto& s) { s.parameters["p"] = "1"; }), HasSubstr("parameter p"));
  EXPECT_THAT(complaint([](auto& s) { s.mounts["m"] = "/m"; }), HasSubstr("mount m"));
  EXPECT_THAT(complaint([](auto& s) { s.has_server = true; }), HasSubstr("server port"));
}

TEST_F(a_plan, with_the_ports_in_another_order_is_refused) {
  auto two = own();
  two.outlets.push_back(two.outlets.front());
  two.outlets.back().name = "another";
  auto changed = planned();
  changed.outlets.push_back(changed.outlets.front());
  changed.outlets.back().name = "another";
  EXPECT_TRUE(expect_same_program(changed, two));
  std::swap(changed.outlets[0], changed.outlets[1]);
  EXPECT_THAT(expect_same_program(changed, two).error().message,
              HasSubstr("the outlets are another, counts in the plan, and counts, another"));
}

}  // namespace
}  // namespace cloudflow::runner
