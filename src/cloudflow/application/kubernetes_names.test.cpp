#include "cloudflow/application/kubernetes_names.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace cloudflow::app {
namespace {

using testing::EndsWith, testing::Ne, testing::StartsWith;

TEST(names, of_a_workload_is_the_application_and_the_streamlet) {
  EXPECT_EQ(workload_name("log-processor", "http-ingress"), "log-processor-http-ingress");
}

TEST(names, that_are_too_long_are_cut_and_still_differ) {
  const std::string app(40, 'a'), streamlet(40, 's');
  const auto one = workload_name(app, streamlet + "1"), other = workload_name(app, streamlet + "2");
  EXPECT_EQ(one.size(), 52u);
  EXPECT_THAT(one, StartsWith(app));
  EXPECT_NE(one, other);
  EXPECT_EQ(one, workload_name(app, streamlet + "1"));
}

TEST(names, that_only_differ_in_what_kubernetes_does_not_allow_still_differ) {
  EXPECT_THAT(workload_name("app", "a.b"), Ne(workload_name("app", "a-b")));
  EXPECT_THAT(workload_name("app", "a_b"), Ne(workload_name("app", "a.b")));
  EXPECT_EQ(workload_name("app", "a.b").find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-"),
            std::string::npos);
}

TEST(names, of_a_service_fit_where_that_of_the_workload_does) {
  EXPECT_EQ(service_name("app-in"), "app-in-service");
  EXPECT_LE(service_name(std::string(63, 'x')).size(), 63u);
  EXPECT_THAT(service_name(std::string(63, 'x')), EndsWith("-service"));
  EXPECT_LE(governing_service_name(workload_name(std::string(60, 'x'), "y")).size(), 63u);
}

}  // namespace
}  // namespace cloudflow::app
