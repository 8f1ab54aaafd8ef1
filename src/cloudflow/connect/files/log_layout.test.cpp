#include "cloudflow/connect/files/log_layout.hpp"

#include <gtest/gtest.h>

#include <string>

namespace cloudflow::connect {
namespace {

const time_context layout_context{
    std::chrono::sys_days{std::chrono::year{2024} / 3 / 1} + std::chrono::hours{12},
    std::chrono::minutes{0}};

/// `time|level|thread|logger|message`, `continuation`, or `invalid: reason`.
std::string shown(const parsed_line& line) {
  if (line.kind == line_kind::continuation) return "continuation";
  if (line.kind == line_kind::invalid) return "invalid: " + line.reason;
  std::string out = to_iso8601(line.fields.time);
  for (const auto part :
       {line.fields.level, line.fields.thread, line.fields.logger, line.fields.message})
    (out += '|') += part;
  return out;
}

std::string read(std::string_view layout, std::string_view line,
                 std::string_view time_format = "iso8601") {
  auto layouts = log_layouts::make({std::string{layout}, std::string{time_format}});
  EXPECT_TRUE(layouts) << layouts.error().message;
  return layouts ? shown(layouts->choose("", layout_context)->parse(line, layout_context)) : "";
}

TEST(log4j_layout, reads_its_parts) {
  EXPECT_EQ(read("log4j", "2015-10-18 18:01:47,978 INFO [main] a.b.C: text: more"),
            "2015-10-18T18:01:47.978Z|INFO|main|a.b.C|text: more");
  EXPECT_EQ(read("log4j", "2015-10-18 18:01:47,978 WARN  [Thread[x,5,main]] a.b.C: text"),
            "2015-10-18T18:01:47.978Z|WARN|Thread[x,5,main]|a.b.C|text");
  EXPECT_EQ(read("log4j", "2015-10-18 18:01:47,978 audit [main] a.b.C: text"),
            "2015-10-18T18:01:47.978Z|AUDIT|main|a.b.C|text");
  EXPECT_EQ(read("log4j", "2015-10-18 18:01:47,978 info a.b.C: text"),
            "2015-10-18T18:01:47.978Z|INFO||a.b.C|text");
  EXPECT_EQ(read("log4j", "2015-10-18 18:01:47,978 Starting up"),
            "invalid: there is no level after the time");
  EXPECT_EQ(read("log4j", "2015-10-18 18:01:47,978 Error on start"),
            "invalid: there is no level after the time");
  EXPECT_EQ(read("log4j", "2015-10-18 18:01:47,978 INFO"), "2015-10-18T18:01:47.978Z|INFO|||");
  EXPECT_EQ(read("log4j", "2015-10-18 18:01:47,978 INFO [main]"),
            "2015-10-18T18:01:47.978Z|INFO|main||");
  EXPECT_EQ(read("log4j", "2015-10-18 18:01:47,978 [main] text"),
            "invalid: there is no level after the time");
  EXPECT_EQ(read("log4j", "2015-10-32 18:01:47,978 INFO"),
            "invalid: there is no such time: '2015-10-32 18:01:47,978'");
  EXPECT_EQ(read("log4j", "2015-10-18T18:01:47Z INFO x"), "continuation");
  EXPECT_EQ(read("log4j", ""), "continuation");
}

TEST(zookeeper_layout, reads_its_parts) {
  EXPECT_EQ(read("zookeeper",
                 "2015-07-29 17:41:44,747 - INFO  "
                 "[QuorumPeer[myid=1]/0:0:2181:FastLeaderElection@774] - time out: 3200"),
            "2015-07-29T17:41:44.747Z|INFO|QuorumPeer[myid=1]/0:0:2181|FastLeaderElection@774|time "
            "out: 3200");
  EXPECT_EQ(read("zookeeper", "2015-07-29 17:41:44,747 - WARN [main] - "),
            "2015-07-29T17:41:44.747Z|WARN||main|");
  EXPECT_EQ(read("zookeeper", "2015-07-29 17:41:44,747 INFO x"),
            "invalid: there is no ' - ' after the time");
  EXPECT_EQ(read("zookeeper", "2015-07-29 17:41:44,747 - INFO x"),
            "invalid: there is no '[thread:class@line] -' after the level");
}

TEST(logback_layout, has_the_date_of_the_object) {
  EXPECT_EQ(read("logback", "09:32:02.123 [main] WARN  a.b.C$ - text - more"),
            "2024-03-01T09:32:02.123Z|WARN|main|a.b.C$|text - more");
  EXPECT_EQ(read("logback", "09:32:02.123 [main] ERROR no logger"),
            "2024-03-01T09:32:02.123Z|ERROR|main||no logger");
  EXPECT_EQ(read("logback", "09:32:02.123 [main] audit a.b - text"),
            "2024-03-01T09:32:02.123Z|AUDIT|main|a.b|text");
  EXPECT_EQ(read("logback", "09:32:02.123 [main] Starting up"),
            "invalid: there is no level after the thread");
  EXPECT_EQ(read("logback", "09:32:02.123 ERROR x"),
            "invalid: there is no '[thread]' after the time");
}

TEST(json_layout, reads_its_fields_by_any_of_their_names) {
  EXPECT_EQ(
      read(
          "json",
          R"({"ts":1445191307978,"severity":"warning","msg":"a\"b\u00fc","logger":"l","thread":"t"})"),
      "2015-10-18T18:01:47.978Z|WARN|t|l|a\"b\xC3\xBC");
  EXPECT_EQ(read("json", R"({"@timestamp":"2015-10-18T18:01:47Z","x":{"time":1}})"),
            R"(2015-10-18T18:01:47.000Z||||{"@timestamp":"2015-10-18T18:01:47Z","x":{"time":1}})");
  EXPECT_EQ(read("json", R"({"time":1445191307.5,"level":40,"message":7})"),
            R"(2015-10-18T18:01:47.500Z|WARN|||{"time":1445191307.5,"level":40,"message":7})");
}

TEST(json_layout, says_why_a_line_is_no_record) {
  EXPECT_EQ(read("json", " {}"), "continuation");
  EXPECT_EQ(read("json", "{}"), "invalid: it has no field time, timestamp, ts or @timestamp");
  EXPECT_EQ(read("json", R"({"time":"yesterday"})"),
            "invalid: there is no such time: \"yesterday\"");
  EXPECT_EQ(read("json", R"({"time":null})"), "invalid: there is no such time: null");
  EXPECT_EQ(read("json", R"({"time":-1})"), "invalid: there is no such time: -1");
  for (const auto* line : {"{", "{\"time\":1}}", "{\"time\":1} x", "{time:1}"})
    EXPECT_TRUE(
        read("json", line).starts_with("invalid: it begins with '{' and is no JSON object: "))
        << read("json", line);
}

TEST(syslog_layout, reads_both_of_its_forms) {
  EXPECT_EQ(read("syslog", "Mar  1 10:00:00 host sshd[42]: text"),
            "2024-03-01T10:00:00.000Z||42|sshd|text");
  EXPECT_EQ(read("syslog", "<11>Mar 01 10:00:00 host kernel: [1.2] text"),
            "2024-03-01T10:00:00.000Z|ERROR||kernel|[1.2] text");
  EXPECT_EQ(
      read("syslog",
           "<165>1 2003-10-11T22:14:15.003Z h app 7 ID47 [a@1 b=\"\\\"]\"][c] \xEF\xBB\xBFtext"),
      "2003-10-11T22:14:15.003Z|INFO|7|app|text");
  EXPECT_EQ(read("syslog", "<34>1 2003-10-11T22:14:15Z - - - - -"),
            "2003-10-11T22:14:15.000Z|FATAL|||");
  EXPECT_EQ(read("syslog", "<34>1 -"), "invalid: there is no time after the priority and version");
  EXPECT_EQ(read("syslog", "<34>1 2003-10-11T22:14:15Z h a - - [x"),
            "invalid: its structured data has no end");
  EXPECT_EQ(read("syslog", "<34>x"), "invalid: there is no time after the priority");
  EXPECT_EQ(read("syslog", "<192>x"), "continuation");
}

TEST(iso8601_layout, finds_level_thread_and_logger_as_many_programs_write_them) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {" INFO text", "INFO|||text"},
      {" [main] WARN  a.b.C - text", "WARN|main|a.b.C|text"},
      {"  WARN 123 --- [exec-1] a.b.C : text", "WARN|exec-1|a.b.C|text"},
      {" - root - CRITICAL - text", "FATAL||root|text"},
      {" INFO [main]", "INFO|main||"},
      {" [error] [worker] text", "ERROR|worker||text"},
      {" | INFO | text", "INFO|||text"},
      {" debug: text", "DEBUG|||text"},
      {" INFO a.b.C: text - more", "INFO||a.b.C|text - more"},
      {" an ERROR is no level here", "|||an ERROR is no level here"},
      {" Error reading", "|||Error reading"},
      {" [a] [b] [c] [d] [e] INFO text", "|||[a] [b] [c] [d] [e] INFO text"},
      {"", "|||"},
  };
  for (const auto& [line, parts] : cases)
    EXPECT_EQ(read("iso8601", "2015-10-18T18:01:47Z" + std::string{line}),
              "2015-10-18T18:01:47.000Z|" + std::string{parts})
        << line;
}

constexpr std::string_view access_log =
    R"re((?P<logger>\S+) \S+ \S+ \[(?P<time>[^\]]+)\] "(?P<message>[^"]*)" (?P<level>\d+))re";

TEST(pattern_layout, reads_what_its_groups_find) {
  EXPECT_EQ(
      read(access_log, R"(127.0.0.1 - - [18/Oct/2015:18:01:47 +0000] "GET / HTTP/1.1" 200 12)",
           "%d/%b/%Y:%H:%M:%S %z"),
      "2015-10-18T18:01:47.000Z|200||127.0.0.1|GET / HTTP/1.1");
  EXPECT_EQ(read("(?<time>\\d+) (?<message>.*)", "1445191307 text", "%s"),
            "2015-10-18T18:01:47.000Z||||text");
  EXPECT_EQ(read("(?<time>\\S+) [(?<]\\(?<(?<message>.*)", "2015-10-18T18:01:47Z ?(<text"),
            "2015-10-18T18:01:47.000Z||||text");
}

TEST(pattern_layout, begins_a_record_at_the_beginning_of_a_line_only) {
  EXPECT_EQ(read("(?<time>\\d+) (?<message>.*)", "x 1445191307 text", "%s"), "continuation");
  EXPECT_EQ(read("(?<time>\\d+) (?<message>.*)", "1445191307x text", "%s"), "continuation");
  EXPECT_EQ(read("(?<time>\\S+) (?<message>.*)", "nonsense text", "%s"),
            "invalid: there is no such time, or it is not of the time-format: 'nonsense'");
}

TEST(log_layouts, says_what_is_wrong_with_a_pattern) {
  const std::pair<log_layout_settings, std::string_view> cases[] = {
      {{"(?P<time>x", "%s"}, "is no RE2 pattern: missing )"},
      {{"(?P<time>x)", "%s"}, "has no group 'message'"},
      {{"log4J", "%s"},
       "has no group 'time': write (?P<time>...) around what it is, or name one of the known "
       "layouts: auto, zookeeper, log4j"},
      {{"(?P<time>x)(?P<msg>x)", "%s"},
       "has a group 'msg'; known are time, level, thread, logger, message"},
      {{"(?P<time>x)(?P<message>x)", "%Y"}, "time-format '%Y' cannot be used"},
  };
  for (const auto& [settings, why] : cases) {
    const auto layouts = log_layouts::make(settings);
    ASSERT_FALSE(layouts) << settings.line_pattern;
    EXPECT_NE(layouts.error().message.find(why), std::string::npos) << layouts.error().message;
  }
}

std::string recognised(std::string_view head) {
  return std::string{log_layouts::make({})->choose(head, layout_context)->name()};
}

constexpr std::string_view log4j_line = "2015-10-18 18:01:47,978 INFO [main] a.b.C: text\n";
constexpr std::string_view zookeeper_line = "2015-10-18 18:01:47,978 - INFO  [main:C@1] - text\n";
constexpr std::string_view plain_line = "2015-10-18 18:01:47,978 text\n";

std::string repeated(std::string_view line, int times) {
  std::string out;
  for (int i = 0; i != times; ++i) out += line;
  return out;
}

TEST(auto_layout, is_the_one_in_which_most_lines_begin_a_record) {
  EXPECT_EQ(recognised(log4j_line), "log4j");
  EXPECT_EQ(recognised(zookeeper_line), "zookeeper");
  EXPECT_EQ(recognised("\tat a.b.C\n\n" + repeated(log4j_line, 4) + std::string{zookeeper_line}),
            "log4j");
  EXPECT_EQ(recognised(plain_line), "iso8601");
  EXPECT_EQ(recognised("nothing\n"), "unknown");
  EXPECT_EQ(recognised(""), "unknown");
}

TEST(auto_layout, prefers_a_special_layout_to_one_that_reads_little_more) {
  EXPECT_EQ(recognised(repeated(log4j_line, 8) + repeated(plain_line, 2)), "log4j");
  EXPECT_EQ(recognised(repeated(log4j_line, 7) + repeated(plain_line, 2)), "iso8601");
  EXPECT_EQ(recognised(repeated(log4j_line, 5) + repeated(zookeeper_line, 5)), "iso8601");
}

TEST(auto_layout, looks_at_the_first_lines_only_and_at_no_half_line) {
  const auto lines = static_cast<int>(log_layouts::head_lines);
  EXPECT_EQ(recognised(repeated("x\n", lines) + std::string{log4j_line}), "unknown");
  EXPECT_EQ(recognised(repeated("x\n", lines - 1) + std::string{log4j_line}), "log4j");
  auto head = std::string{log4j_line} + std::string(log_layouts::head_bytes, 'x');
  head.resize(log_layouts::head_bytes);
  EXPECT_EQ(recognised(head), "log4j");
}

}  // namespace
}  // namespace cloudflow::connect
