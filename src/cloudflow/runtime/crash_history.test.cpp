#include "cloudflow/runtime/crash_history.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace cloudflow::runtime {
namespace {

crash crash_in(std::int64_t first, std::int64_t last) {
  return {.streamlet = "s",
          .topic = "in",
          .partition = 3,
          .first = first,
          .last = last,
          .how = "signal 11 (Segmentation fault)"};
}

TEST(CrashHistory, RecordsThatWereInTwoCrashesRunAlone) {
  crash_history history;
  history.add(crash_in(10, 90));
  EXPECT_FALSE(history.suspects().front().is_run_alone());
  history.add(crash_in(40, 140));
  ASSERT_EQ(history.suspects().size(), 1u);
  const auto& s = history.suspects().front();
  EXPECT_TRUE(s.is_run_alone());
  EXPECT_FALSE(s.is_found());
  EXPECT_EQ(s.first, 40);
  EXPECT_EQ(s.last, 90);
}

TEST(CrashHistory, ARecordIsFoundAtItsThirdCrash) {
  crash_history history;
  for (int i = 0; i != 2; ++i) {
    history.add(crash_in(50, 50));
    EXPECT_FALSE(history.suspects().front().is_found());
  }
  history.add(crash_in(50, 50));
  EXPECT_TRUE(history.suspects().front().is_found());
  EXPECT_EQ(history.suspects().front().reason(),
            "the process has ended 3 times at this record, with signal 11 (Segmentation fault)");
}

TEST(CrashHistory, ManyCrashesInManyRecordsFindNone) {
  crash_history history;
  for (int i = 0; i != 5; ++i) history.add(crash_in(0, 1));
  EXPECT_FALSE(history.suspects().front().is_found());
}

TEST(CrashHistory, CrashesElsewhereAreOthers) {
  crash_history history;
  history.add(crash_in(10, 20));
  history.add(crash_in(21, 30));
  auto other = crash_in(10, 20);
  other.partition = 4;
  history.add(other);
  other = crash_in(10, 20);
  other.topic = "beside";
  history.add(other);
  other = crash_in(10, 20);
  other.streamlet = "neighbour";
  history.add(other);
  EXPECT_EQ(history.suspects().size(), 5u);
  EXPECT_EQ(history.of("s").size(), 4u);
  EXPECT_EQ(history.of("nobody").size(), 0u);
}

TEST(CrashHistory, ACrashOfNoRecordBlamesNone) {
  crash_history history;
  history.add({.streamlet = "s", .how = "signal 6 (Aborted)"});
  EXPECT_TRUE(history.suspects().empty());
}

TEST(CrashHistory, ReadsWhatItHasWritten) {
  crash_history history;
  history.add(crash_in(10, 90));
  history.add(crash_in(40, 90));
  history.add(crash_in(200, 201));
  EXPECT_EQ(crash_history::from_text(history.to_text()).suspects(), history.suspects());
  EXPECT_TRUE(crash_history::from_text("").suspects().empty());
  EXPECT_EQ(
      crash_history::from_text("s\tin\tx\t1\t2\t3\thow\nno line\n" + history.to_text()).suspects(),
      history.suspects());
}

TEST(CrashNote, SaysWhereAndHow) {
  EXPECT_EQ(crash_note::parse("streamlet s, topic in, partition 3, offsets 10 to 90\n"
                              "signal 11\n"
                              "/usr/bin/program(+0x1234)[0x55]\n"
                              "/lib/libc.so.6(+0x5)[0x7f]\n"),
            (crash{.streamlet = "s",
                   .topic = "in",
                   .partition = 3,
                   .first = 10,
                   .last = 90,
                   .how = "signal 11 (Segmentation fault) at program(+0x1234) < "
                          "libc.so.6(+0x5)"}));
  EXPECT_EQ(crash_note::parse("streamlet s\nsignal 6\n"),
            (crash{.streamlet = "s", .how = "signal 6 (Aborted)"}));
}

/// What a process leaves that is aborted after `work`, but for the stack.
std::optional<crash> crash_after(void (*work)()) {
  const auto path = testing::TempDir() + "crash-note-" + std::to_string(::getpid());
  const auto copy = path + "-copy";
  const auto crashes = [&] {
    if (!crash_note::install(path, copy)) return;
    work();
    ::raise(SIGABRT);
  };
  EXPECT_EXIT(crashes(), testing::KilledBySignal(SIGABRT), "");
  std::stringstream text;
  text << std::ifstream{path}.rdbuf();
  std::stringstream text_of_copy;
  text_of_copy << std::ifstream{copy}.rdbuf();
  EXPECT_EQ(text_of_copy.str(), text.str());
  for (const auto& file : {path, copy}) std::filesystem::remove(file);
  auto note = crash_note::parse(text.str());
  if (!note) return note;
  EXPECT_TRUE(note->how.starts_with("signal 6 (Aborted) at ")) << text.str();
  note->how.clear();
  return note;
}

const std::string streamlet = "s", topic = "in";
const flow::kept_origin* held = nullptr;

TEST(CrashNote, NamesTheRecordsThatWereInWork) {
  EXPECT_EQ(crash_after([] {
              crash_note::begin(streamlet, held);
              crash_note::begin_records(topic, 3, 10, 90);
            }),
            (crash{.streamlet = "s", .topic = "in", .partition = 3, .first = 10, .last = 90}));
}

TEST(CrashNote, NamesTheRecordThatAnOperatorHadTakenOver) {
  EXPECT_EQ(crash_after([] {
              static const flow::kept_origin before{
                  .topic = "earlier", .partition = 1, .offset = record_offset{7}};
              crash_note::begin(streamlet, held);
              crash_note::begin_records(topic, 3, 10, 90);
              held = &before;
            }),
            (crash{.streamlet = "s", .topic = "earlier", .partition = 1, .first = 7, .last = 7}));
}

TEST(CrashNote, NamesNoRecordThatIsDone) {
  EXPECT_EQ(crash_after([] {
              crash_note::begin(streamlet, held);
              crash_note::begin_records(topic, 3, 10, 90);
              crash_note::end_records();
            }),
            (crash{.streamlet = "s"}));
}

TEST(CrashNote, IsNoneOfAThreadThatWorksForNoStreamlet) {
  EXPECT_EQ(crash_after([] {
              crash_note::begin(streamlet, held);
              crash_note::begin_records(topic, 3, 10, 90);
              crash_note::end();
            }),
            std::nullopt);
}

TEST(CrashNote, SaysThatACallHung) {
  EXPECT_EQ(crash_note::parse("streamlet s\nsignal 6, a call that had not returned\n"),
            (crash{.streamlet = "s", .how = "a call that had not returned"}));
}

TEST(CrashNote, IsNoneWithoutStreamletOrSignal) {
  EXPECT_FALSE(crash_note::parse(""));
  EXPECT_FALSE(crash_note::parse("streamlet s, topic in, partition 3, offsets 10 to 90\n"));
  EXPECT_FALSE(crash_note::parse("streamlet s, topic in, partition three\nsignal 11\n"));
}

}  // namespace
}  // namespace cloudflow::runtime
