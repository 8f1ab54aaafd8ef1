#include "cloudflow/kube/internal/credentials.hpp"

#include "cloudflow/kube/internal/rfc3339.hpp"
#include "cloudflow/kube/internal/run_command.hpp"
#include "cloudflow/kube/object.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <mutex>
#include <system_error>
#include <utility>

namespace cloudflow::kube::internal {

namespace {

class fixed_source final : public credential_source {
public:
  explicit fixed_source(credential always) : always_(std::move(always)) {}
  result<credential> current(const std::stop_token&) override { return always_; }

private:
  credential always_;
};

class token_file_source final : public credential_source {
public:
  token_file_source(std::filesystem::path file, credential others)
    : file_(std::move(file)), others_(std::move(others)) {}

  result<credential> current(const std::stop_token&) override {
    auto token = read_trimmed(file_);
    if (!token) return error{errc::no_credentials, std::move(token).error().message};
    auto found = others_;
    found.authorization = net::bearer_token{*std::move(token)};
    return found;
  }

private:
  std::filesystem::path file_;
  credential others_;
};

class plugin_source final : public credential_source {
public:
  plugin_source(exec_plugin plugin, credential others, const clock& time)
    : plugin_(std::move(plugin)), others_(std::move(others)), time_(time) {}

  result<credential> current(const std::stop_token& stop) override {
    const std::lock_guard lock{mutex_};
    if (last_ && (!end_ || time_.now() < *end_)) return *last_;
    last_.reset();
    const auto printed = output_of(
        {.arguments = plugin_.command, .environment = variables(), .longest = patience}, stop);
    if (!printed) return failure(printed.error().message);
    return read(*printed);
  }
  bool renew() override {
    const std::lock_guard lock{mutex_};
    last_.reset();
    return true;
  }

private:
  static constexpr std::chrono::seconds patience{60};

  std::map<std::string, std::string> variables() const {
    nlohmann::json told = {{"apiVersion", plugin_.api_version},
                           {"kind", "ExecCredential"},
                           {"spec", {{"interactive", false}}}};
    if (!plugin_.cluster.is_null()) told["spec"]["cluster"] = plugin_.cluster;
    auto all = plugin_.environment;
    // What is not UTF-8 in a kubeconfig is for the plugin to refuse.
    all["KUBERNETES_EXEC_INFO"] =
        told.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    return all;
  }
  result<credential> read(const std::string& printed) {
    const object answer{nlohmann::json::parse(printed, nullptr, false)};
    if (answer.kind() != "ExecCredential" || answer.api_version() != plugin_.api_version)
      return failure(fmt::format("'{}' has not printed an ExecCredential of {}", plugin_.command[0],
                                 plugin_.api_version));
    auto found = others_;
    const auto token = answer.text("/status/token");
    const auto certificate = answer.text("/status/clientCertificateData"),
               key = answer.text("/status/clientKeyData");
    if (token.empty() && (certificate.empty() || key.empty()))
      return failure(fmt::format("'{}' has printed neither a token nor a certificate and a key",
                                 plugin_.command[0]));
    if (!token.empty()) found.authorization = net::bearer_token{std::string{token}};
    if (!certificate.empty())
      found.identity = net::client_identity{net::pem_text{std::string{certificate}},
                                            net::pem_text{std::string{key}}};
    end_ = from_rfc3339(answer.text("/status/expirationTimestamp"));
    last_ = found;
    return found;
  }
  error failure(std::string_view why) const {
    return {errc::no_credentials,
            fmt::format("no credentials of the plugin: {}{}{}", why,
                        plugin_.install_hint.empty() ? "" : "; ", plugin_.install_hint)};
  }

  const exec_plugin plugin_;
  const credential others_;
  const clock& time_;
  std::mutex mutex_;  // guards what follows, and that the plugin runs once at a time
  std::optional<credential> last_;
  std::optional<timestamp> end_;
};

}  // namespace

cloudflow::result<std::string> read_trimmed(const std::filesystem::path& file) {
  std::ifstream in{file, std::ios::binary};
  std::string text{std::istreambuf_iterator<char>{in}, {}};
  if (!in.is_open())
    return cloudflow::error{fmt::format("'{}' cannot be read: {}", file.string(),
                                        std::generic_category().message(errno))};
  constexpr std::string_view space = " \t\r\n";
  text.erase(0, std::min(text.find_first_not_of(space), text.size()));
  text.erase(text.find_last_not_of(space) + 1);
  if (text.empty()) return cloudflow::error{fmt::format("'{}' is empty", file.string())};
  return text;
}

std::shared_ptr<credential_source> fixed_credentials(credential always) {
  return std::make_shared<fixed_source>(std::move(always));
}

std::shared_ptr<credential_source> token_in_file(std::filesystem::path file, credential others) {
  return std::make_shared<token_file_source>(std::move(file), std::move(others));
}

std::shared_ptr<credential_source> credentials_of_plugin(exec_plugin plugin, credential others,
                                                         const clock& time) {
  return std::make_shared<plugin_source>(std::move(plugin), std::move(others), time);
}

}  // namespace cloudflow::kube::internal
