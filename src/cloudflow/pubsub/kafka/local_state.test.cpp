#include "cloudflow/pubsub/kafka/internal/local_state.hpp"
#include "cloudflow/pubsub/embedded/test_directory.hpp"

#include <gtest/gtest.h>

namespace cloudflow::pubsub::kafka {
namespace {

/// Opens, changes and reads again what is in `directory`.
void keep_state_in(const std::filesystem::path& directory) {
  const system_clock time;
  const task_id task{"s", partition_id{0}};
  const copy_mark mark{.topic_id = "t",
                       .next = record_offset{3},
                       .touched = timestamp{std::chrono::milliseconds{4}},
                       .stores = {"s"}};
  {
    const auto made = local_state::open(directory, time);
    ASSERT_TRUE(made.has_value()) << made.error().message;
    const local_state::change marked{task, mark};
    ASSERT_TRUE((*made)->apply({}, {&marked, 1}).has_value());
  }
  const auto again = local_state::open(directory, time);
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_EQ((*again)->mark(task).value(), mark);
}

TEST(local_state, is_kept_in_a_directory_that_is_there_already) {
  const embedded::test_directory volume;
  keep_state_in(volume.path());
}

TEST(local_state, is_kept_in_a_directory_whose_parents_are_not_there) {
  const embedded::test_directory volume;
  keep_state_in(volume.path() / "state" / "of-a-cluster");
}

}  // namespace
}  // namespace cloudflow::pubsub::kafka
