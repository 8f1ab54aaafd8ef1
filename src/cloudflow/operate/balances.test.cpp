#include "cloudflow/operate/balances.hpp"

#include <gtest/gtest.h>

namespace cloudflow::operate {
namespace {

app::task_status task_of(const std::string& streamlet, std::uint64_t read, std::uint64_t filtered,
                         std::uint64_t delivered) {
  app::task_status t;
  t.streamlet = streamlet;
  t.counted[record_way::read] = read;
  t.counted[record_way::filtered] = filtered;
  t.counted[record_way::delivered] = delivered;
  return t;
}

TEST(Balances, AddUpTheTasksOfAStreamlet) {
  const auto all =
      balances_of({task_of("b", 5, 2, 3), task_of("a", 1, 0, 1), task_of("b", 5, 5, 0)});
  EXPECT_EQ(table_of(all).text(),
            "streamlet  read  delivered  filtered  missing\n"
            "a             1          1         0        0\n"
            "b            10          3         7        0\n");
  EXPECT_EQ(what_is_missing(all), "");
}

TEST(Balances, SayWhereRecordsAreMissingOrTooMany) {
  const auto all =
      balances_of({task_of("a", 10, 2, 5), task_of("b", 1, 0, 1), task_of("c", 1, 0, 3)});
  EXPECT_EQ(what_is_missing(all),
            "streamlet a: 3 records have come in and gone nowhere: they are lost. That is a defect "
            "of Cloudflow.\n"
            "streamlet c: 2 records have gone that never came in: they are doubled. That is a "
            "defect of Cloudflow.\n");
}

}  // namespace
}  // namespace cloudflow::operate
