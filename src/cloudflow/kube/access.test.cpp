#include "cloudflow/kube/access.hpp"

#include "cloudflow/kube/fake_api.test.hpp"
#include "cloudflow/kube/internal/rfc3339.hpp"

#include <sys/stat.h>

#include <fstream>
#include <map>
#include <thread>

namespace cloudflow::kube {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

class kube_access : public testing::Test {
protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "cloudflow-kube-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
  }
  void TearDown() override { fs::remove_all(directory_); }

  fs::path write(const fs::path& file, std::string_view text) {
    fs::create_directories((directory_ / file).parent_path());
    std::ofstream{directory_ / file} << text;
    return directory_ / file;
  }
  environment variables() const {
    return [this](const char* name) -> std::optional<std::string> {
      const auto found = variables_.find(name);
      return found == variables_.end() ? std::nullopt : std::optional{found->second};
    };
  }
  /// `{directory 0}` by a directory of this test.
  std::string with_directories(std::string text) const {
    for (std::size_t at = 0; (at = text.find("{directory ", at)) != text.npos;)
      text.replace(at, 13, (directory_ / text.substr(at + 11, 1)).string());
    return text;
  }

  fs::path directory_;
  std::map<std::string, std::string> variables_;
};

// -- kubeconfig ---

std::string shown(const std::optional<net::pem_source>& pem) {
  if (!pem) return "system";
  if (const auto* file = std::get_if<net::pem_file>(&*pem)) return file->path.string();
  return "text:" + std::get<net::pem_text>(*pem).text;
}

void expect_credential(const json& wanted, const access& got) {
  EXPECT_EQ(got.credentials == nullptr, wanted.value("anonymous", got.credentials == nullptr));
  if (got.credentials == nullptr) return;
  const auto shows = got.credentials->current({});
  ASSERT_TRUE(shows) << shows.error().message;
  if (wanted.contains("bearer")) {
    EXPECT_EQ(shows->authorization, net::authorization{net::bearer_token{wanted["bearer"]}});
  }
  if (wanted.contains("basic")) {
    EXPECT_EQ(shows->authorization,
              (net::authorization{net::basic_credentials{wanted["basic"][0], wanted["basic"][1]}}));
  }
  if (wanted.contains("certificate")) {
    ASSERT_TRUE(shows->identity);
    EXPECT_EQ(shown(shows->identity->certificate), wanted["certificate"].get<std::string>());
    EXPECT_EQ(shown(shows->identity->key), wanted["key"].get<std::string>());
  }
}

TEST_F(kube_access, is_what_the_kubeconfigs_say) {
  std::ifstream in{CLOUDFLOW_SOURCE_DIR "/src/cloudflow/kube/testdata/kubeconfigs.json"};
  const auto cases = json::parse(in);
  for (const auto& one : cases) {
    SCOPED_TRACE(one["name"].get<std::string>());
    std::string list = (directory_ / "missing").string();
    for (std::size_t i = 0; i != one["files"].size(); ++i)
      list +=
          ":" + write(fs::path{std::to_string(i)} / "config", one["files"][i].get<std::string>())
                    .string();
    if (one.contains("token_file"))
      write(fs::path{std::to_string(one["token_file"][0].get<int>())} / "token",
            one["token_file"][1].get<std::string>());
    variables_["KUBECONFIG"] = list;
    const auto got =
        access_of_kubeconfig({.context = one.value("context", ""), .variable = variables()});
    const auto& wanted = one["expect"];
    const auto says = wanted.value("says", json::array());
    if (!says.empty()) {
      ASSERT_FALSE(got);
      EXPECT_EQ(got.error().code, errc::invalid_settings);
      for (const auto& part : says)
        EXPECT_THAT(got.error().message, HasSubstr(with_directories(part)));
      EXPECT_THAT(got.error().message, Not(HasSubstr("s3cr3t")));
      continue;
    }
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_EQ(got->server, wanted.value("server", got->server));
    EXPECT_EQ(got->name_space, wanted.value("namespace", got->name_space));
    EXPECT_EQ(got->tls.server_name, wanted.value("server_name", got->tls.server_name));
    EXPECT_EQ(shown(got->tls.authority),
              with_directories(wanted.value("authority", shown(got->tls.authority))));
    EXPECT_EQ(got->tls.dangerously_accept_any_certificate,
              wanted.value("accepts_any_certificate", false));
    if (wanted.contains("proxy")) {
      EXPECT_EQ(got->proxy, net::proxy_choice{net::proxy_at{wanted["proxy"]}});
    }
    expect_credential(wanted, *got);
  }
}

constexpr std::string_view small_config =
    "clusters: [{name: c, cluster: {server: 'https://person'}}]\n"
    "contexts: [{name: x, context: {cluster: c}}]\ncurrent-context: x\n";

TEST_F(kube_access, is_that_of_a_person_first_and_then_that_of_the_pod) {
  variables_ = {{"HOME", directory_.string()}};
  EXPECT_FALSE(find_access({.variable = variables()}));
  variables_["KUBERNETES_SERVICE_HOST"] = "10.0.0.1";
  const auto pod = find_access({.variable = variables()});
  ASSERT_FALSE(pod);
  EXPECT_THAT(pod.error().message, HasSubstr("KUBERNETES_SERVICE_PORT"));
  write(".kube/config", small_config);
  const auto person = find_access({.variable = variables()});
  ASSERT_TRUE(person) << person.error().message;
  EXPECT_EQ(person->server, "https://person");
  write(".kube/config", "- broken");
  EXPECT_FALSE(find_access({.variable = variables()}));
  EXPECT_FALSE(find_access({.file = directory_ / "none", .variable = variables()}));
}

// -- pod ---

TEST_F(kube_access, of_a_pod_reads_its_token_anew) {
  variables_ = {{"KUBERNETES_SERVICE_HOST", "10.0.0.1"}, {"KUBERNETES_SERVICE_PORT", "443"}};
  const auto missing = access_of_pod(variables(), directory_);
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, HasSubstr("automountServiceAccountToken"));
  write("token", "first\n");
  write("ca.crt", "PEM");
  write("namespace", "apps");
  const auto got = access_of_pod(variables(), directory_);
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->server, "https://10.0.0.1:443");
  EXPECT_EQ(got->name_space, "apps");
  EXPECT_EQ(shown(got->tls.authority), (directory_ / "ca.crt").string());
  const auto token = [&] {
    return std::get<net::bearer_token>(got->credentials->current({})->authorization).token;
  };
  EXPECT_EQ(token(), "first");
  write("token", "second");
  EXPECT_EQ(token(), "second");
  fs::remove(directory_ / "token");
  const auto gone = got->credentials->current({});
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, errc::no_credentials);
  variables_["KUBERNETES_SERVICE_HOST"] = "fd00::1";
  write("token", "third");
  EXPECT_EQ(access_of_pod(variables(), directory_)->server, "https://[fd00::1]:443");
}

// -- plugins ---

class kube_plugin : public kube_access {
protected:
  /// The plugin is a shell script; it counts its calls in a file.
  result<access> with(std::string_view script, std::string_view more = "") {
    const auto program =
        write("bin/plugin", fmt::format("#!/bin/sh\necho >>'{}'\n{}\n", calls().string(), script));
    ::chmod(program.c_str(), 0755);
    const auto file = write("config", fmt::format(R"(
clusters: [{{name: c, cluster: {{server: 'https://h', certificate-authority-data: UEVN}}}}]
users: [{{name: u, user: {{exec: {{apiVersion: client.authentication.k8s.io/v1, command: ./bin/plugin, args: [one, 'two words'],
  env: [{{name: PLUGIN_SAYS, value: hello}}], installHint: install it, interactiveMode: IfAvailable{}}}}}}}]
contexts: [{{name: x, context: {{cluster: c, user: u}}}}]
current-context: x
)",
                                                  more));
    return access_of_kubeconfig({.file = file, .time = &time_});
  }
  fs::path calls() const { return directory_ / "calls"; }
  std::size_t count() const {
    std::error_code none;
    const auto size = fs::file_size(calls(), none);
    return none ? 0 : size;
  }
  static std::string printing(std::string_view status) {
    return fmt::format(
        R"(echo '{{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{}}}')",
        status);
  }
  virtual_clock time_;
};

TEST_F(kube_plugin, is_run_once_for_as_long_as_its_credential_holds) {
  const auto got = with(
      printing(R"({"token":"'$PLUGIN_SAYS-$1-$2'","expirationTimestamp":"2023-11-14T22:15:20Z"})"));
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(count(), 0u);
  for (int i = 0; i != 3; ++i) {
    const auto shows = got->credentials->current({});
    ASSERT_TRUE(shows) << shows.error().message;
    EXPECT_EQ(shows->authorization, net::authorization{net::bearer_token{"hello-one-two words"}});
  }
  EXPECT_EQ(count(), 1u);
  time_.advance(std::chrono::seconds{119});
  EXPECT_TRUE(got->credentials->current({}));
  EXPECT_EQ(count(), 1u);
  time_.advance(std::chrono::seconds{1});
  EXPECT_TRUE(got->credentials->current({}));
  EXPECT_EQ(count(), 2u);
}

TEST_F(kube_plugin, may_give_a_certificate_and_is_told_of_the_cluster_if_it_wants) {
  const auto got = with("echo \"$KUBERNETES_EXEC_INFO\" >info\n" +
                            printing(R"({"clientCertificateData":"C","clientKeyData":"K"})"),
                        ", provideClusterInfo: true");
  const auto here = fs::current_path();
  fs::current_path(directory_);
  const auto shows = got->credentials->current({});
  fs::current_path(here);
  ASSERT_TRUE(shows) << shows.error().message;
  EXPECT_EQ(shown(shows->identity->certificate), "text:C");
  EXPECT_EQ(shown(shows->identity->key), "text:K");
  std::ifstream in{directory_ / "info"};
  const auto told = json::parse(in);
  EXPECT_EQ(told["spec"]["interactive"], false);
  EXPECT_EQ(told["spec"]["cluster"]["server"], "https://h");
  EXPECT_EQ(told["spec"]["cluster"]["certificate-authority-data"], "UEVN");
}

TEST_F(kube_plugin, that_gives_nothing_is_an_error_with_its_hint) {
  const std::pair<std::string, std::string_view> cases[] = {
      {"exit 3", "ended with code 3; install it"},
      {"kill -9 $$", "ended with code 137"},
      {"echo nonsense", "has not printed an ExecCredential"},
      {R"(echo '{"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential","status":{"token":"s3cr3t"}}')",
       "has not printed an ExecCredential"},
      {printing("{}"), "neither a token nor"},
      {printing(R"({"clientCertificateData":"s3cr3t"})"), "neither a token nor"},
      {"yes s3cr3t", "more than 1 MiB"},
  };
  for (const auto& [script, says] : cases) {
    const auto got = with(script);
    ASSERT_TRUE(got) << got.error().message;
    const auto shows = got->credentials->current({});
    ASSERT_FALSE(shows) << script;
    EXPECT_EQ(shows.error().code, errc::no_credentials);
    EXPECT_THAT(shows.error().message, HasSubstr(says));
    EXPECT_THAT(shows.error().message, Not(HasSubstr("s3cr3t")));
  }
  const auto absent = with("");
  fs::remove(directory_ / "bin/plugin");
  EXPECT_THAT(absent->credentials->current({}).error().message, HasSubstr("cannot be run"));
}

TEST_F(kube_plugin, that_does_not_end_is_stopped) {
  const auto got = with("exec sleep 60");
  std::stop_source stop;
  std::jthread stopping{[&] {
    while (count() == 0) std::this_thread::yield();
    stop.request_stop();
  }};
  const auto shows = got->credentials->current(stop.get_token());
  ASSERT_FALSE(shows);
  EXPECT_THAT(shows.error().message, HasSubstr("was stopped"));
}

TEST_F(kube_plugin, is_run_again_when_the_server_refuses_what_it_gave) {
  fake_api server;
  server.tell("token", {{"token", "token-2"}});
  auto got =
      with("n=$(wc -l <'" + calls().string() + "')\n" + printing(R"({"token":"token-'"$n"'"})"));
  ASSERT_TRUE(got) << got.error().message;
  got->server = server.plain().server;
  got->proxy = net::no_proxy{};
  got->tls = {};
  client api{*got};
  EXPECT_TRUE(api.list(pods, {}));
  EXPECT_EQ(count(), 2u);
  EXPECT_TRUE(api.list(pods, {}));
  EXPECT_EQ(count(), 2u);
  server.tell("token", {{"token", "another"}});
  const auto refused = api.list(pods, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::unauthorized);
  EXPECT_EQ(count(), 3u);
}

TEST(rfc3339, is_read_and_written) {
  using internal::from_rfc3339;
  const auto at = [](std::int64_t ms) { return timestamp{std::chrono::milliseconds{ms}}; };
  EXPECT_EQ(from_rfc3339("2023-11-14T22:13:20Z"), at(1'700'000'000'000));
  EXPECT_EQ(from_rfc3339("2023-11-14T22:13:20.123456Z"), at(1'700'000'000'123));
  EXPECT_EQ(from_rfc3339("2023-11-14T14:13:20-08:00"), at(1'700'000'000'000));
  EXPECT_EQ(from_rfc3339("2023-11-15T03:43:20+05:30"), at(1'700'000'000'000));
  for (const auto* bad : {"", "2023", "2023-11-14", "2023-11-14T22:13:20", "2023-13-14T22:13:20Z",
                          "2023-11-14T22:13:20Zx", "2023-11-14T22:13Z", "soon"})
    EXPECT_EQ(from_rfc3339(bad), std::nullopt) << bad;
  EXPECT_EQ(internal::to_micro_time(at(1'700'000'000'123)), "2023-11-14T22:13:20.123000Z");
}

}  // namespace
}  // namespace cloudflow::kube
