// Sessions with a broker that wants to know who asks.
#include "cloudflow/pubsub/embedded/test_directory.hpp"
#include "cloudflow/pubsub/kafka/broker_fixture.hpp"
#include "cloudflow/pubsub/kafka/cluster.hpp"
#include "cloudflow/pubsub/kafka/internal/admin.hpp"
#include "cloudflow/pubsub/kafka/internal/connection.hpp"
#include "cloudflow/pubsub/kafka/recorder.test.hpp"
#include "cloudflow/pubsub/kafka/session_fixture.test.hpp"
#include "cloudflow/pubsub/kafka/token_server.test.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace cloudflow::pubsub::kafka {
namespace {

using embedded::test_directory;
using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;

const std::string testdata = CLOUDFLOW_SOURCE_DIR "/src/cloudflow/pubsub/kafka/testdata";

void overwrite(const std::filesystem::path& file, std::string_view text) {
  const auto fresh = file.string() + ".new";
  std::ofstream{fresh} << text << '\n';
  std::filesystem::rename(fresh, file);
}

class secured_broker : public testing::Test {
protected:
  options wanted(property_map connection) const {
    return {.connection = std::move(connection),
            .application = unique_name("app"),
            .catalog_topic = unique_name("catalog"),
            .log = logger{log_, "kafka"}};
  }
  std::unique_ptr<backend> open_session(const property_map& connection) const {
    auto opened = open(wanted(connection), clock_of_tests);
    if (!opened) throw std::runtime_error{opened.error().message};
    return std::move(opened).value();
  }
  std::string pki(std::string_view file) const { return (broker_.pki() / file).string(); }
  property_map with(property_map more) const {
    more.merge(property_map{{"bootstrap.servers", broker_.address("sasl_ssl")},
                            {"security.protocol", "SASL_SSL"},
                            {"ssl.ca.location", pki("ca.pem")}});
    return more;
  }
  /// By the certificates that the broker's authority has given out.
  property_map with_certificates() const {
    return {{"bootstrap.servers", broker_.address("ssl")},
            {"security.protocol", "SSL"},
            {"ssl.ca.location", pki("ca.pem")},
            {"ssl.certificate.location", pki("client.pem")},
            {"ssl.key.location", pki("client.key")}};
  }
  /// Requests go through, by new connections if need be.
  static bool answers(const backend& session) {
    return eventually([&] { return session.topic("none").error().code == errc::topic_not_found; });
  }

  const std::shared_ptr<recorder> log_ = std::make_shared<recorder>();
  test_broker broker_{{.secured = true, .settings = {}}};
};

// -- who may not ----------------------------------------------------------------------------------

struct refusal {
  std::string title, expected;
  property_map properties;
};

std::vector<refusal> read_refusals(const property_map& names) {
  std::ifstream file{testdata + "/refused.txt"};
  std::vector<refusal> all;
  std::string line;
  const auto next = [&] {
    if (!std::getline(file, line)) return false;
    for (const auto& [name, value] : names)
      for (auto at = line.find(name); at != std::string::npos;
           at = line.find(name, at + value.size()))
        line.replace(at, name.size(), value);
    return true;
  };
  while (next()) {
    if (!line.starts_with("== ")) continue;
    auto& one = all.emplace_back();
    one.title = line;
    while (next() && !line.empty()) {
      const auto at = line.find(" = ");
      one.properties[line.substr(0, at)] = line.substr(at + 3);
    }
    next();
    one.expected = line;
  }
  return all;
}

std::string told(const error& e) {
  const auto* code = e.code == errc::denied        ? "denied"
                     : e.code == errc::unsupported ? "unsupported"
                     : e.code == errc::unavailable ? "unavailable"
                                                   : "?";
  return fmt::format("{}: {}", code, e.message);
}

TEST_F(secured_broker, says_in_one_line_why_a_session_cannot_be_had) {
  const auto sasl_ssl = broker_.address("sasl_ssl");
  const auto cases = read_refusals({{"@plaintext@", broker_.address("plaintext")},
                                    {"@ssl@", broker_.address("ssl")},
                                    {"@sasl_ssl@", sasl_ssl},
                                    {"@sasl_ssl_port@", sasl_ssl.substr(sasl_ssl.find(':') + 1)},
                                    {"@pki@", broker_.pki().string()},
                                    {"@testdata@", testdata}});
  EXPECT_GT(cases.size(), 15u);
  for (const auto& one : cases) {
    SCOPED_TRACE(one.title);
    std::string said;
    const auto session = connection::make(wanted(one.properties), clock_of_tests);
    if (!session) {
      said = told(session.error());
    } else {
      admin requests{session.value()};
      eventually([&] {
        const auto connected = requests.connect(milliseconds{200});
        said = connected ? "connected" : told(connected.error());
        return said == one.expected;
      });
    }
    EXPECT_EQ(said, one.expected);
    EXPECT_THAT(said, Not(HasSubstr("-secret")));
  }
  EXPECT_THAT(log_->text(), Not(HasSubstr("-secret")));
}

// -- who may --------------------------------------------------------------------------------------

TEST_F(secured_broker, lets_in_who_shows_what_it_wants) {
  const token_server tokens;
  const test_directory files;
  overwrite(files.path() / "token", new_token());
  const std::string scram =
      "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"app\" "
      "password=\"app-secret\";";
  const std::array<property_map, 8> ways{
      with_certificates(),
      property_map{{"bootstrap.servers", broker_.address("ssl")},
                   {"security.protocol", "SSL"},
                   {"ssl.truststore.location", pki("ca.pem")},
                   {"ssl.certificate.location", pki("client.pem")},
                   {"ssl.key.location", pki("client.key")}},
      with(
          {{"sasl.mechanism", "PLAIN"}, {"sasl.username", "app"}, {"sasl.password", "app-secret"}}),
      with({{"sasl.mechanism", "SCRAM-SHA-256"}, {"sasl.jaas.config", scram}}),
      with({{"sasl.mechanism", "SCRAM-SHA-512"}, {"sasl.jaas.config", scram}}),
      with({{"sasl.mechanism", "OAUTHBEARER"},
            {"enable.sasl.oauthbearer.unsecure.jwt", "true"},
            {"sasl.oauthbearer.config", "principal=app"}}),
      with({{"sasl.mechanism", "OAUTHBEARER"},
            {"sasl.oauthbearer.token.location", files.path() / "token"}}),
      with({{"sasl.mechanism", "OAUTHBEARER"},
            {"sasl.oauthbearer.method", "oidc"},
            {"sasl.oauthbearer.client.id", "app"},
            {"sasl.oauthbearer.client.secret", "app-secret"},
            {"sasl.oauthbearer.token.endpoint.url", tokens.url()}})};
  for (const auto& way : ways) {
    SCOPED_TRACE(way.contains("sasl.mechanism") ? way.at("sasl.mechanism") : "certificates");
    const auto session = open_session(way);
    EXPECT_TRUE(session->ensure_topic({.name = unique_name("t")}).has_value());
  }
}

TEST_F(secured_broker, hears_no_secret_in_the_log_of_a_session_however_loud_it_is) {
  const auto session = open_session(with({{"sasl.mechanism", "SCRAM-SHA-512"},
                                          {"sasl.username", "app"},
                                          {"sasl.password", "app-secret"},
                                          {"debug", "all"}}));
  ASSERT_TRUE(answers(*session));
  EXPECT_THAT(log_->text(), HasSubstr("SASL"));
  EXPECT_THAT(log_->text(), Not(HasSubstr("app-secret")));
}

// -- who comes again with something new -----------------------------------------------------------

TEST_F(secured_broker, takes_a_password_that_changes_in_its_file) {
  const test_directory files;
  const auto file = files.path() / "password";
  overwrite(file, "app-secret");
  const auto session = open_session(with({{"sasl.mechanism", "SCRAM-SHA-512"},
                                          {"sasl.username", "app"},
                                          {"sasl.password.location", file}}));
  broker_.set_password("new-secret");
  overwrite(file, "new-secret");
  ASSERT_TRUE(eventually([&] { return log_->has("the password has changed"); }));
  broker_.stop();
  broker_.start();
  EXPECT_TRUE(answers(*session));
  EXPECT_THAT(log_->text(), Not(HasSubstr("new-secret")));
}

TEST_F(secured_broker, takes_a_token_that_changes_in_its_file) {
  const test_directory files;
  const auto file = files.path() / "token";
  overwrite(file, new_token());
  const auto session = open_session(
      with({{"sasl.mechanism", "OAUTHBEARER"}, {"sasl.oauthbearer.token.location", file}}));
  overwrite(file, "a-token-that-is-no-jwt");
  ASSERT_TRUE(eventually([&] { return log_->has("the token has changed"); }));
  broker_.stop();
  broker_.start();
  ASSERT_TRUE(eventually([&] { return log_->has("the token is refused"); }));
  EXPECT_EQ(session->topic("none").error().code, errc::denied);
  overwrite(file, new_token());
  EXPECT_TRUE(answers(*session));
}

TEST_F(secured_broker, waits_with_a_certificate_until_its_key_is_there_too) {
  const test_directory files;
  const auto copy = [&](const char* name) {
    std::filesystem::copy_file(pki(name), files.path() / name,
                               std::filesystem::copy_options::overwrite_existing);
  };
  for (const auto* name : {"ca.pem", "client.pem", "client.key"}) copy(name);
  auto properties = with_certificates();
  properties["ssl.ca.location"] = files.path() / "ca.pem";
  properties["ssl.certificate.location"] = files.path() / "client.pem";
  properties["ssl.key.location"] = files.path() / "client.key";
  const auto session = open_session(properties);
  broker_.rotate_certificates();
  copy("client.pem");
  ASSERT_TRUE(eventually(
      [&] { return log_->has("the certificates have changed and cannot be used yet"); }));
  copy("ca.pem");
  copy("client.key");
  ASSERT_TRUE(eventually(
      [&] { return log_->has("the certificates have changed; connections are made anew"); }));
  EXPECT_TRUE(answers(*session));
}

TEST_F(secured_broker, takes_certificates_that_change_while_records_are_on_their_way) {
  const auto session = open_session(with_certificates());
  const auto topic = unique_name("t");
  ASSERT_TRUE(session->ensure_topic({.name = topic}).has_value());
  const auto out = session->open_producer({.transactional_id = unique_name("p")}).value();
  const auto in =
      session->open_consumer({.group = unique_name("g"), .topics = {topic}, .on_ready = {}})
          .value();
  std::vector<std::string> seen;
  const auto pass_on = [&](std::string_view value) {
    record_buffer records;
    records.append({}, value);
    transaction changes;
    changes.outputs.push_back({topic, partition_id{0}, &records});
    ASSERT_TRUE(eventually([&] { return out->commit(changes).has_value(); })) << value;
    const topic_partition source{topic, partition_id{0}};
    ASSERT_TRUE(eventually([&] {
      const auto changed = in->poll_assignments();
      for (const auto& each : changed ? changed.value() : std::vector<assignment>{})
        if (each.what != assignment::kind::assigned) in->release(each.source);
      const auto batch = in->fetch(source, {});
      if (!batch) return false;
      for (const auto& record : batch->records()) seen.emplace_back(record.value);
      return !seen.empty() && seen.back() == value;
    })) << value;
  };
  pass_on("before");
  broker_.rotate_certificates();
  ASSERT_TRUE(eventually([&] { return log_->has("the certificates have changed; "); }));
  EXPECT_TRUE(answers(*session));
  pass_on("after");
}

}  // namespace
}  // namespace cloudflow::pubsub::kafka
