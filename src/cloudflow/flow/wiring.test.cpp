#include "cloudflow/flow/wiring.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace cloudflow::flow {
namespace {

TEST(wiring, keeps_watermarks_by_their_inlet_whatever_the_order_of_the_pipelines) {
  const int a = 0, b = 0;
  const void* const inlets[] = {&a, &b};
  const auto names = [&](const std::vector<std::pair<const int*, const char*>>& order) {
    wiring w{inlets, {}, {}, {}};
    std::map<std::string, std::vector<std::string>> all;
    for (const auto& [port, name] : order) {
      w.inlet(port, name);
      all[name] = {w.next_watermark(), w.next_watermark()};
    }
    w.leave_inlets();
    all[""] = {w.next_watermark()};
    return all;
  };
  const auto first = names({{&a, "a"}, {&b, "b"}});
  EXPECT_EQ(first, names({{&b, "b"}, {&a, "a"}}));
  std::set<std::string> different;
  for (const auto& [inlet, of] : first) different.insert(of.begin(), of.end());
  EXPECT_EQ(different.size(), 5u);
}

}  // namespace
}  // namespace cloudflow::flow
