// Each request of testdata/*.json against real servers; what the files can say is in
// testdata/README.md.
#include "cloudflow/net/client.hpp"
#include "cloudflow/net/servers.test.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>

namespace cloudflow::net {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;

constexpr std::pair<std::string_view, errc> codes[] = {
    {"invalid_request", errc::invalid_request},
    {"invalid_tls_settings", errc::invalid_tls_settings},
    {"unresolved", errc::unresolved},
    {"unreachable", errc::unreachable},
    {"proxy_refused", errc::proxy_refused},
    {"certificate_untrusted", errc::certificate_untrusted},
    {"certificate_expired", errc::certificate_expired},
    {"certificate_name_mismatch", errc::certificate_name_mismatch},
    {"client_certificate_refused", errc::client_certificate_refused},
    {"tls_failed", errc::tls_failed},
    {"connect_timeout", errc::connect_timeout},
    {"total_timeout", errc::total_timeout},
    {"idle_timeout", errc::idle_timeout},
    {"connection_broken", errc::connection_broken},
    {"malformed_response", errc::malformed_response},
    {"response_too_large", errc::response_too_large},
    {"cancelled", errc::cancelled},
    {"failed", errc::failed},
};

std::string_view name_of(errc code) {
  for (const auto& [name, one] : codes)
    if (one == code) return name;
  return "?";
}

/// `{port of NAME}` by the port of that server.
std::string with_ports(std::string text) {
  constexpr std::string_view begin = "{port of ";
  for (auto at = text.find(begin); at != text.npos; at = text.find(begin, at)) {
    const auto end = text.find('}', at);
    const auto name = text.substr(at + begin.size(), end - at - begin.size());
    text.replace(at, end + 1 - at, std::to_string(test_servers::running().port(name)));
  }
  return text;
}

pem_source pem_of(const std::string& name) {
  if (name.starts_with("text:")) return pem_text{name.substr(5)};
  const auto path = test_servers::running().file(name);
  if (!name.starts_with("memory:")) return pem_file{path};
  std::ifstream in{test_servers::running().file(name.substr(7))};
  return pem_text{std::string{std::istreambuf_iterator<char>{in}, {}}};
}

void read_tls(const json& of, tls_settings& tls) {
  const auto authority = of.value("authority", "ca.pem");
  if (authority == "system") {
    tls.authority.reset();
  } else {
    tls.authority = pem_of(authority);
  }
  if (of.contains("identity"))
    tls.identity = client_identity{pem_of(of["identity"][0]), pem_of(of["identity"][1])};
  tls.server_name = of.value("server_name", "");
  tls.dangerously_accept_any_certificate = of.value("accepts_any_certificate", false);
}

void read_bounds(const json& of, request& r) {
  if (of.contains("connect_ms")) r.timeouts.connect = milliseconds{of["connect_ms"]};
  if (of.contains("total_ms")) r.timeouts.total = milliseconds{of["total_ms"]};
  if (of.contains("idle_ms")) r.timeouts.idle = milliseconds{of["idle_ms"]};
  r.limits.header_bytes = of.value("header_bytes", r.limits.header_bytes);
  r.limits.body_bytes = of.value("body_bytes", r.limits.body_bytes);
}

request request_of(const json& of) {
  const auto& servers = test_servers::running();
  request r{.method = of.value("method", "GET")};
  r.url = of.contains("url")
              ? with_ports(of["url"])
              : servers.url(of.at("server").get<std::string>(),
                            with_ports(of.value("path", "/echo")), of.value("host", "localhost"));
  const auto headers = of.value("headers", json::object());
  for (const auto& [name, value] : headers.items()) r.headers.push_back({name, value});
  r.body =
      of.contains("body_of_bytes") ? std::string(of["body_of_bytes"], 'b') : of.value("body", "");
  if (of.contains("bearer")) r.authorization = bearer_token{of["bearer"]};
  if (of.contains("basic")) r.authorization = basic_credentials{of["basic"][0], of["basic"][1]};
  r.follows_redirects = of.value("follows_redirects", false);
  r.proxy = no_proxy{};
  if (of.contains("proxy")) r.proxy = proxy_at{with_ports(of["proxy"])};
  if (of.contains("environment")) r.proxy = proxy_from_environment{};
  read_tls(of.value("tls", json::object()), r.tls);
  read_bounds(of, r);
  return r;
}

/// The variables that a case names, as long as it runs.
class environment_of {
public:
  explicit environment_of(const json& variables) {
    for (const auto& [name, value] : variables.items()) {
      ::setenv(name.c_str(), with_ports(value).c_str(), 1);
      names_.push_back(name);
    }
  }
  ~environment_of() {
    for (const auto& name : names_) ::unsetenv(name.c_str());
  }
  environment_of(const environment_of&) = delete;
  environment_of& operator=(const environment_of&) = delete;

private:
  std::vector<std::string> names_;
};

void expect_error(const json& wanted, const result<response>& got) {
  ASSERT_FALSE(got) << "status " << got->status;
  EXPECT_EQ(name_of(got.error().code), wanted["error"].get<std::string>()) << got.error().message;
  const auto parts = wanted.value("says", json::array());
  for (const auto& part : parts) EXPECT_THAT(got.error().message, HasSubstr(with_ports(part)));
  EXPECT_THAT(got.error().message, Not(HasSubstr("s3cr3t")));
}

void expect_echo(const json& wanted, const std::string& body) {
  const auto seen = json::parse(body);
  for (const auto& [name, value] : wanted.items()) {
    if (name == "headers") continue;
    EXPECT_EQ(seen.at(name), value);
  }
  const auto headers = wanted.value("headers", json::object());
  for (const auto& [name, value] : headers.items())
    EXPECT_EQ(seen["headers"].value(name, json{}),
              value.is_string() ? json(with_ports(value)) : value)
        << name;
}

void expect_response(const json& wanted, const result<response>& got) {
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->status, wanted.value("status", 200));
  EXPECT_EQ(got->body, wanted.value("body", got->body));
  EXPECT_EQ(got->body.size(), wanted.value("size", got->body.size()));
  if (wanted.contains("echo")) expect_echo(wanted["echo"], got->body);
  const auto headers = wanted.value("headers", json::object());
  for (const auto& [name, value] : headers.items())
    EXPECT_EQ(got->header(name), value.get<std::string>());
}

void expect_log(const json& wanted) {
  std::ifstream in{test_servers::running().file(wanted[0].get<std::string>())};
  const std::string log{std::istreambuf_iterator<char>{in}, {}};
  EXPECT_THAT(log, HasSubstr(with_ports(wanted[1])));
}

void run_cases(std::string_view file) {
  std::ifstream in{fmt::format("{}/src/cloudflow/net/testdata/{}", CLOUDFLOW_SOURCE_DIR, file)};
  client all;
  const auto cases = json::parse(in);
  ASSERT_FALSE(cases.empty());
  for (const auto& one : cases) {
    SCOPED_TRACE(one.at("name").get<std::string>());
    const environment_of variables{one.value("environment", json::object())};
    const auto got = all.send(request_of(one));
    const auto& wanted = one.at("expect");
    wanted.contains("error") ? expect_error(wanted, got) : expect_response(wanted, got);
    if (wanted.contains("log")) expect_log(wanted["log"]);
  }
}

TEST(net_requests, get_the_response_or_the_error_that_the_server_deserves) {
  run_cases("requests.json");
}
TEST(net_requests, end_within_their_bounds) { run_cases("bounds.json"); }
TEST(net_requests, trust_whom_they_are_told_to_and_nobody_else) { run_cases("tls.json"); }
TEST(net_requests, go_through_the_proxy_that_is_said_or_none) { run_cases("proxies.json"); }

}  // namespace
}  // namespace cloudflow::net
