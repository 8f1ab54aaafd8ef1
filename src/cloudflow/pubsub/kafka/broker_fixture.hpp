/// Real Kafka brokers for tests, started by tools/kafka.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflow::pubsub::kafka {

/// The address, host:port, of the broker that tests share: the one that ctest has started for them,
/// else one for this program, started at the first call. It stays up and has neither TLS nor SASL.
/// @throws std::runtime_error
const std::string& shared_broker();

/// A name that no other test has, beginning with `what`: for topics, groups and transactional ids
/// on a shared broker.
std::string unique_name(std::string_view what);

struct broker_options {
  /// With the listeners ssl (clients show certificates) and sasl_ssl (user `app`, password
  /// `app-secret`).
  bool secured = false;
  /// Secured, and what ACLs deny the user `app` is refused. Others, by the listener plaintext, may
  /// do all.
  bool acls = false;
  /// Properties of the broker, "key=value".
  std::vector<std::string> settings = {};
};

/// A broker of a test's own, for tests that stop, kill or secure it. It ends with the test, even
/// when that crashes.
///
/// Operations block until they have taken effect: after `start` the broker answers, after `stop`
/// and `kill` its process is gone. What goes wrong is a std::runtime_error with the words of
/// tools/kafka. Confined to one thread.
class test_broker {
public:
  explicit test_broker(const broker_options& wanted = {});
  ~test_broker();
  test_broker(const test_broker&) = delete;
  test_broker& operator=(const test_broker&) = delete;

  /// Starts it again, on its ports and with its data.
  void start();
  void stop();
  /// Ends it with SIGKILL.
  void kill();
  /// New authority and certificates, in the files that `pki` names; the broker refuses the former
  /// at once.
  void rotate_certificates();
  /// Another SCRAM password of the user `app`; its connections stay.
  void set_password(std::string_view password);

  /// host:port of a listener: plaintext, ssl or sasl_ssl. The same for all of its lives.
  std::string address(std::string_view listener = "plaintext") const;
  /// The directory of ca.pem, client.pem and client.key.
  std::filesystem::path pki() const { return directory_ / "pki"; }

private:
  explicit test_broker(std::filesystem::path directory);

  std::filesystem::path directory_;
};

}  // namespace cloudflow::pubsub::kafka
