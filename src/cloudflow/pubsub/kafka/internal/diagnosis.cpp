#include "cloudflow/pubsub/kafka/internal/diagnosis.hpp"

#include <fmt/format.h>
#include <openssl/x509.h>

#include <array>

namespace cloudflow::pubsub::kafka {

namespace {

/// A report is of the first kind whose sign is in it. `{}` in the cause stands for what follows the
/// sign.
struct kind {
  std::string_view sign;
  int weight;
  errc code;
  std::string_view cause, advice;
};

constexpr auto kinds = std::to_array<kind>({
    {"{\"status\":\"invalid_token\"", 100, errc::denied, "the token is refused",
     "check which tokens the broker takes, and that the clocks agree"},
    {"SASL authentication error: ", 100, errc::denied, "user or password is refused",
     "check sasl.username, the password, and that the user exists for this sasl.mechanism"},
    {"mechanism handshake failed: Broker: Unsupported SASL mechanism: broker's supported "
     "mechanisms: ",
     100, errc::denied, "this sasl.mechanism is not offered there",
     "set sasl.mechanism to one of {}"},
    {"Failed to acquire SASL OAUTHBEARER token: ", 90, errc::denied,
     "there is no token to show: {}", "check the properties sasl.oauthbearer.*"},
    {"certificate verify failed", 80, errc::denied, "its certificate is not accepted",
     "check ssl.ca.location"},
    {"alert bad certificate", 80, errc::denied,
     "it does not accept this client's certificate, or misses one",
     "check ssl.certificate.location, ssl.key.location, and which authorities the broker trusts"},
    {"alert certificate required", 80, errc::denied, "it wants a certificate of this client",
     "set ssl.certificate.location and ssl.key.location"},
    {"alert unknown ca", 80, errc::denied,
     "it does not know the authority of this client's certificate",
     "check ssl.certificate.location, and which authorities the broker trusts"},
    {"alert certificate expired", 80, errc::denied, "this client's certificate has expired",
     "renew the one in ssl.certificate.location"},
    {"alert handshake failure", 80, errc::denied, "there is no way of encryption that both want",
     "check ssl.cipher.suites and the versions of TLS that the broker takes"},
    {"connecting to a PLAINTEXT broker listener", 70, errc::unavailable,
     "it does not speak TLS there", "check the port and security.protocol"},
    {"in state APIVERSION_QUERY", 70, errc::unavailable, "it ends the connection before it answers",
     "check the port and security.protocol: it may speak TLS there"},
    {"Failed to resolve ", 60, errc::unavailable, "its name is not known",
     "check bootstrap.servers and the name service"},
    {"Connection refused", 50, errc::unavailable, "nobody listens there",
     "check bootstrap.servers, and that the broker is up"},
    {"SSL handshake failed: ", 50, errc::unavailable, "TLS cannot be agreed on: {}",
     "check security.protocol and ssl.*"},
    {"Connection setup timed out", 40, errc::unavailable, "it does not answer",
     "check bootstrap.servers, and what is in between: firewalls, network policies"},
    {"timed out", 40, errc::unavailable, "it does not answer in time",
     "check that the broker is up and not overloaded"},
    {"Disconnected", 20, errc::unavailable, "it has ended the connection",
     "check security.protocol, as it may want to know who asks (SASL), and the broker's log"},
    {"brokers are down", 0, errc::unavailable, "no broker can be reached",
     "check bootstrap.servers"},
});

constexpr kind other = {"", 10, errc::unavailable, "{}", "check the broker's log"};

/// Without ` (after 3ms in state CONNECT)` at the end, which differs each time.
std::string_view without_circumstances(std::string_view report) {
  const auto at = report.rfind(" (after ");
  return at == std::string_view::npos ? report : report.substr(0, at);
}

struct parts {
  std::string_view broker, reason;
};

/// `[<protocol>://]<host>:<port>/<id>: <reason>`; a report about no broker is all reason.
parts take_apart(std::string_view report) {
  const auto end = report.find(": ");
  const auto slash = report.substr(0, end).rfind('/');
  if (end == std::string_view::npos || slash == std::string_view::npos) return {{}, report};
  auto broker = report.substr(0, slash);
  if (const auto protocol = broker.find("://"); protocol != std::string_view::npos)
    broker.remove_prefix(protocol + 3);
  return {broker, report.substr(end + 2)};
}

std::string filled_in(std::string_view text, std::string_view detail) {
  std::string out{text};
  if (const auto at = out.find("{}"); at != std::string::npos) out.replace(at, 2, detail);
  return out;
}

finding tell(const kind& of, std::string_view broker, std::string_view detail) {
  return {of.weight, of.code,
          fmt::format("{}{}{}; {}", broker.empty() ? "" : "broker ", broker.empty() ? "" : broker,
                      (broker.empty() ? "" : ": ") + filled_in(of.cause, detail),
                      filled_in(of.advice, detail))};
}

}  // namespace

finding explain(std::string_view report) {
  const auto [broker, reason] = take_apart(without_circumstances(report));
  for (const auto& each : kinds) {
    if (report.find(each.sign) == std::string_view::npos) continue;
    const auto at = reason.find(each.sign);
    return tell(each, broker,
                at == std::string_view::npos ? "" : reason.substr(at + each.sign.size()));
  }
  return tell(other, broker, reason);
}

finding explain_certificate(std::string_view broker, int reason) {
  const auto is_of_other_name =
      reason == X509_V_ERR_HOSTNAME_MISMATCH || reason == X509_V_ERR_IP_ADDRESS_MISMATCH;
  const auto is_out_of_date =
      reason == X509_V_ERR_CERT_HAS_EXPIRED || reason == X509_V_ERR_CERT_NOT_YET_VALID;
  const kind its = {"", 110, errc::denied, "its certificate is not accepted: {}",
                    is_of_other_name ? "use a name in bootstrap.servers that is in the certificate"
                    : is_out_of_date
                        ? "renew it, or check the clock of this machine"
                        : "check that ssl.ca.location has the authority that has issued it"};
  return tell(its, broker, X509_verify_cert_error_string(reason));
}

// -- diagnosis ------------------------------------------------------------------------------------

void diagnosis::note(finding found) {
  const std::lock_guard lock{mutex_};
  if (!heaviest_ || found.weight >= heaviest_->weight) heaviest_ = std::move(found);
}

std::optional<finding> diagnosis::told() const {
  const std::lock_guard lock{mutex_};
  return heaviest_;
}

void diagnosis::forget() {
  const std::lock_guard lock{mutex_};
  heaviest_.reset();
}

}  // namespace cloudflow::pubsub::kafka
