#include "cloudflow/pubsub/kafka/internal/diagnosis.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>

namespace cloudflow::pubsub::kafka {
namespace {

std::string told(const finding& found) {
  return fmt::format("{} {} {}", found.weight,
                     found.code == errc::denied ? "denied" : "unavailable", found.message);
}

TEST(diagnosis, says_in_one_line_which_broker_what_cause_and_what_to_check) {
  std::ifstream file{CLOUDFLOW_SOURCE_DIR "/src/cloudflow/pubsub/kafka/testdata/reports.txt"};
  std::string report, expected;
  int count = 0;
  while (std::getline(file, report)) {
    if (report.empty() || report.front() == '#') continue;
    ASSERT_TRUE(std::getline(file, expected));
    EXPECT_EQ(told(explain(report)), expected) << report;
    ++count;
  }
  EXPECT_GT(count, 10);
}

TEST(diagnosis, keeps_the_heaviest_finding_until_the_brokers_answer_again) {
  diagnosis heard;
  EXPECT_EQ(heard.told(), std::nullopt);
  heard.note(explain("kafka-0:9092/1: Connect to ipv4#10.0.0.1:9092 failed: Connection refused"));
  heard.note(explain("nohost:9092/2: Failed to resolve 'nohost:9092': Name or service not known"));
  heard.note(explain("2/2 brokers are down"));
  EXPECT_EQ(
      heard.told()->message,
      "broker nohost:9092: its name is not known; check bootstrap.servers and the name service");
  heard.forget();
  EXPECT_EQ(heard.told(), std::nullopt);
}

}  // namespace
}  // namespace cloudflow::pubsub::kafka
