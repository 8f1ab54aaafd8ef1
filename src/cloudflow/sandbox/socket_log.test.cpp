#include "cloudflow/sandbox/socket_log.hpp"

#include "cloudflow/pubsub/embedded/log.hpp"
#include "cloudflow/pubsub/embedded/simulated_disk.hpp"
#include "cloudflow/pubsub/embedded/test_directory.hpp"
#include "cloudflow/sandbox/log_server.hpp"
#include "cloudflow/sandbox/socket.hpp"
#include "cloudflow/sandbox/wire.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <atomic>
#include <csignal>
#include <thread>

namespace cloudflow::sandbox {
namespace {

using namespace std::chrono_literals;
using pubsub::errc;
using testing::HasSubstr;

const pubsub::topic_partition t0{"t", partition_id{0}};

/// A log in memory that an application has open, and the other end of its socket.
class through_a_socket : public testing::Test {
protected:
  through_a_socket() {
    inside =
        pubsub::embedded::open({.directory = "/log", .file_system = disk_.file_system()}, clock)
            .value();
    EXPECT_TRUE(inside->ensure_topic({.name = "t",
                                      .partitions = 2,
                                      .properties = {{"retention.ms", "60000"}},
                                      .base_schema = std::string(32, '\x01')}));
    EXPECT_TRUE(inside->schemas().put(std::string(32, '\x01'), "a schema"));
    serve();
  }
  void serve() {
    server = log_server::start(socket(), *inside,
                               {.status = [this] { return tasks; },
                                .backup = [this](const auto& to) { return inside->backup(to); }})
                 .value();
    outside = socket_log::connect(socket());
  }
  std::unique_ptr<pubsub::embedded::log> open_on_disk(const std::string& path) {
    return pubsub::embedded::open({.directory = path, .file_system = disk_.file_system()}, clock)
        .value();
  }
  std::filesystem::path socket() const { return directory_.path() / "sock"; }

  static pubsub::result<void> write(pubsub::producer& to, const record_buffer& records,
                                    std::vector<pubsub::position_change> positions = {}) {
    pubsub::transaction changes;
    changes.outputs.push_back({"t", partition_id{0}, &records});
    changes.positions = std::move(positions);
    return to.commit(changes);
  }
  std::unique_ptr<pubsub::producer> open_producer(const std::string& id = "w") {
    return outside->open_producer({.transactional_id = id}).value();
  }

  virtual_clock clock;
  std::vector<runtime::task_status> tasks;
  std::unique_ptr<pubsub::embedded::log> inside;
  std::unique_ptr<log_server> server;
  std::unique_ptr<socket_log> outside;

private:
  pubsub::embedded::simulated_disk disk_{1};
  pubsub::embedded::test_directory directory_;
};

TEST_F(through_a_socket, topics_and_schemas_are_those_of_the_application) {
  const auto topic = outside->topic("t").value();
  EXPECT_EQ(topic.spec, inside->topic("t")->spec);
  EXPECT_EQ(topic.partitions.size(), 2u);
  EXPECT_EQ(outside->topics()->size(), 1u);
  EXPECT_EQ(outside->schemas().find(std::string(8, '\x01')).value(), "a schema");
  EXPECT_EQ(outside->schemas().find("other").value(), std::nullopt);
}

TEST_F(through_a_socket, records_keep_everything_there_and_back) {
  record_buffer records;
  records.append("key", "value");
  records.add_header("h", "1");
  records.add_header("empty", "");
  records.append({}, "no key");
  records.append("", {});
  ASSERT_TRUE(write(*open_producer(), records, {{"g", "t", partition_id{0}, record_offset{7}}}));
  for (const pubsub::backend* from : {static_cast<const pubsub::backend*>(inside.get()),
                                      static_cast<const pubsub::backend*>(outside.get())}) {
    const auto batch = from->read(t0, record_offset{0}, {}).value();
    ASSERT_EQ(batch.records().size(), 3u);
    const auto& first = batch.records()[0];
    EXPECT_EQ(first.key, "key");
    EXPECT_EQ(first.value, "value");
    ASSERT_EQ(first.headers.size(), 2u);
    EXPECT_EQ(first.headers[0].name, "h");
    EXPECT_EQ(first.headers[0].value, "1");
    EXPECT_EQ(first.headers[1].name, "empty");
    EXPECT_EQ(first.time, clock.now());
    EXPECT_EQ(batch.records()[1].key.data(), nullptr);
    EXPECT_NE(batch.records()[2].key.data(), nullptr);
    EXPECT_EQ(batch.records()[2].value.data(), nullptr);
    EXPECT_EQ(batch.next(), record_offset{3});
    EXPECT_TRUE(from->read(t0, record_offset{3}, {})->empty());
    EXPECT_EQ(from->position("g", t0).value(), record_offset{7});
    EXPECT_EQ(from->position("h", t0).value(), std::nullopt);
    EXPECT_EQ(from->offset_at(t0, clock.now() + 1ms).value(), record_offset{3});
  }
}

TEST_F(through_a_socket, what_is_empty_is_there_also_alone) {
  record_buffer records;
  records.append("", "");
  EXPECT_TRUE(write(*open_producer(), records));
  record_buffer tombstone;
  tombstone.append({}, std::string_view{});
  EXPECT_TRUE(write(*open_producer(), tombstone));
  const auto batch = outside->read(t0, record_offset{0}, {}).value();
  ASSERT_EQ(batch.records().size(), 2u);
  EXPECT_NE(batch.records()[0].key.data(), nullptr);
  EXPECT_NE(batch.records()[0].value.data(), nullptr);
  EXPECT_EQ(batch.records()[1].key.data(), nullptr);
  EXPECT_EQ(batch.records()[1].value.data(), nullptr);
}

TEST_F(through_a_socket, errors_keep_their_code) {
  EXPECT_EQ(outside->topic("none").error().code, errc::topic_not_found);
  EXPECT_EQ(outside->read(t0, record_offset{5}, {}).error().code, errc::offset_out_of_range);
  EXPECT_THAT(outside->read(t0, record_offset{5}, {}).error().message, HasSubstr("t/0"));
}

TEST(errors_on_the_wire, arrive_as_they_are) {
  for (auto code = 0; code <= static_cast<int>(pubsub::last_errc); ++code) {
    byte_writer sent;
    wire::put(sent, pubsub::error{static_cast<errc>(code), "why"});
    byte_reader in{sent.view()};
    const auto arrived = wire::get_error(in);
    ASSERT_TRUE(in.complete());
    EXPECT_EQ(arrived.code, static_cast<errc>(code));
    EXPECT_EQ(arrived.message, "why");
  }
}

/// Nothing would follow from it.
TEST(errors_on_the_wire, have_a_code_that_there_is) {
  const auto end = static_cast<std::int64_t>(pubsub::last_errc) + 1;
  for (const std::int64_t code : {std::int64_t{-1}, end, std::int64_t{1} << 32}) {
    byte_writer sent;
    sent.put_long(code);
    sent.put_text("why");
    byte_reader in{sent.view()};
    (void)wire::get_error(in);
    EXPECT_FALSE(in.ok()) << code;
  }
}

TEST_F(through_a_socket, the_next_owner_of_a_producer_fences_the_one_before) {
  record_buffer records;
  records.append({}, "x");
  const auto first = open_producer("same"), other = open_producer("other");
  const auto second = open_producer("same");
  EXPECT_EQ(write(*first, records).error().code, errc::fenced);
  EXPECT_TRUE(write(*second, records));
  EXPECT_TRUE(write(*other, records));
}

TEST_F(through_a_socket, what_belongs_to_the_application_is_refused) {
  EXPECT_THAT(
      outside->open_consumer({.group = "g", .topics = {"t"}, .on_ready = {}}).error().message,
      HasSubstr("Stop it first"));
  EXPECT_EQ(outside->ensure_topic({.name = "u"}).error().code, errc::unsupported);
  pubsub::transaction changes;
  changes.state.push_back({"s", partition_id{0}, "k", "v"});
  EXPECT_EQ(open_producer()->commit(changes).error().code, errc::unsupported);
  EXPECT_FALSE(outside->has_members("g").value());
  const auto in = inside->open_consumer({.group = "g", .topics = {"t"}, .on_ready = {}}).value();
  EXPECT_TRUE(outside->has_members("g").value());
}

TEST_F(through_a_socket, the_status_of_tasks_arrives_as_it_is) {
  runtime::task_status t{
      .streamlet = "s", .partition = 3, .is_running = true, .failure = "why", .sources = {}};
  t.watermark_delay = 1500ms;
  t.records_in = 7;
  t.restarts = 2;
  t.sources.push_back({"in", "t", 1, 3, 10});
  tasks = {t, {}};
  const auto seen = outside->status().value();
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].streamlet, "s");
  EXPECT_EQ(seen[0].partition, 3);
  EXPECT_TRUE(seen[0].is_running);
  EXPECT_EQ(seen[0].failure, "why");
  EXPECT_EQ(seen[0].watermark_delay, 1500ms);
  EXPECT_EQ(seen[0].records_in, 7u);
  EXPECT_EQ(seen[0].restarts, 2u);
  ASSERT_EQ(seen[0].sources.size(), 1u);
  EXPECT_EQ(seen[0].sources[0].lag(), 7);
  EXPECT_EQ(seen[1].watermark_delay, std::nullopt);
}

TEST_F(through_a_socket, fault_c13_nobody_else_may_connect_whatever_the_umask) {
  server.reset();
  const auto former = ::umask(0);
  serve();
  ::umask(former);
  struct stat found {};
  ASSERT_EQ(::stat(socket().c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777u, 0600u);
}

TEST_F(through_a_socket, fault_c15_a_backup_is_a_log_of_its_own) {
  record_buffer records;
  records.append("key", "value");
  ASSERT_TRUE(write(*open_producer(), records));
  const auto done = outside->backup("/copy");
  ASSERT_TRUE(done) << done.error().message;
  ASSERT_TRUE(write(*open_producer(), records));
  const auto copy = open_on_disk("/copy");
  EXPECT_EQ(copy->read(t0, record_offset{0}, {})->records().size(), 1u);
  EXPECT_THAT(copy->notes(), testing::IsEmpty());
  EXPECT_FALSE(outside->backup("/copy"));
}

TEST_F(through_a_socket, an_application_that_has_gone_is_named) {
  server.reset();
  EXPECT_EQ(socket_log::connect(socket()), nullptr);
  EXPECT_THAT(outside->topics().error().message, HasSubstr("does not answer any more"));
}

TEST_F(through_a_socket, what_another_version_says_is_answered_with_that) {
  for (const std::string_view request :
       {"", "\x02", "\x04\x63", "\x04\x01", "{\"command\":\"topics\"}\n"}) {
    wire::connection other{connect_to(socket())};
    ASSERT_TRUE(other.write(request));
    const auto answer = other.read();
    ASSERT_TRUE(answer);
    byte_reader in{*answer};
    EXPECT_EQ(in.get_byte(), 1);
    in.get_long();
    EXPECT_FALSE(in.get_text().empty());
  }
}

/// Text "x" is `\2x`; a long n >= 0 is the byte 2n.
TEST_F(through_a_socket, bytes_that_are_no_transaction_are_told_apart) {
  const auto is_read = [](std::string_view bytes) {
    byte_reader in{bytes};
    (void)wire::get_transaction(in);
    return in.complete();
  };
  using namespace std::string_view_literals;
  EXPECT_TRUE(is_read("\2\2t\0\2\1\2v\0\0"sv));  // a record of t/0 without key
  EXPECT_FALSE(is_read("\2\2t\0\2\1\2v\4\6h\0"sv)) << "a header that ends in its name";
  EXPECT_FALSE(is_read("\2\2t\x80\x80\x80\x80\x20\2\1\2v\0\0"sv)) << "partition 2^32";
  EXPECT_FALSE(is_read("\2\2t\1\2\1\2v\0\0"sv)) << "partition -1";
  EXPECT_FALSE(is_read("\1\0"sv)) << "-1 outputs";
  EXPECT_FALSE(is_read("\2\2t\0\2\1\3v\0\0"sv)) << "a value of -2 bytes";
}

TEST_F(through_a_socket, a_signal_is_not_the_end_of_the_other) {
  const auto handler = std::signal(SIGUSR2, [](int) {});
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  wire::connection here{ends[0]}, there{ends[1]};
  std::optional<std::string> got;
  std::atomic<bool> is_done = false;
  std::thread reader{[&] {
    got = here.read();
    is_done = true;
  }};
  for (int n = 0; n != 20; ++n) {
    ::pthread_kill(reader.native_handle(), SIGUSR2);
    std::this_thread::yield();
  }
  EXPECT_FALSE(is_done);
  EXPECT_TRUE(there.write("late"));
  reader.join();
  EXPECT_EQ(got, "late");
  std::signal(SIGUSR2, handler);
}

TEST_F(through_a_socket, a_path_that_is_too_long_for_a_socket_is_refused) {
  const auto path = socket().parent_path() / std::string(200, 'x');
  EXPECT_THAT(log_server::start(path, *inside, {}).error().message,
              HasSubstr("choose a shorter --state"));
  EXPECT_EQ(socket_log::connect(path), nullptr);
}

}  // namespace
}  // namespace cloudflow::sandbox
