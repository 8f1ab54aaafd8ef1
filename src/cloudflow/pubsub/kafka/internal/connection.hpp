/// What all clients of a session share: properties, credentials that may change, what was heard of
/// the brokers.
#pragma once

#include "cloudflow/base/time.hpp"
#include "cloudflow/pubsub/kafka/cluster.hpp"
#include "cloudflow/pubsub/kafka/internal/bounded_calls.hpp"
#include "cloudflow/pubsub/kafka/internal/client.hpp"
#include "cloudflow/pubsub/kafka/internal/credentials.hpp"
#include "cloudflow/pubsub/kafka/internal/diagnosis.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace cloudflow::pubsub::kafka {

/// Concurrency: thread-safe. Outlives its clients.
class connection : public std::enable_shared_from_this<connection> {
public:
  /// Checks the properties; connects to nothing. `errc::unsupported`: a property that is unknown
  /// (with what may have been meant), has a wrong value, or names a file that cannot be read.
  static result<std::shared_ptr<connection>> make(const options& wanted, const clock& time);
  connection(const options& wanted, const clock& time);
  ~connection();

  /// A client with the properties of the session. Errors: as `make`, of `spec.properties`.
  result<owned_client> open_client(const client_spec& spec);

  /// For calls that may not return.
  const std::shared_ptr<call_limits>& limits() const noexcept { return limits_; }
  const options& wanted() const noexcept { return wanted_; }
  const logger& log() const noexcept { return wanted_.log; }
  const clock& time() const noexcept { return time_; }
  bool must_stop() const { return wanted_.must_stop && wanted_.must_stop(); }
  /// `cluster "metrics" (kafka-0:9093,kafka-1:9093)`; for messages.
  const std::string& where() const noexcept { return where_; }

  /// Grows whenever certificates have changed; see client::is_outdated().
  std::uint64_t generation() const noexcept { return generation_.load(std::memory_order_acquire); }
  /// Looks whether files of credentials have changed, gives live clients what they can take up, and
  /// lets the others be outdated. One caller at a time.
  void take_up_changes();

  /// Why no broker can be reached.
  diagnosis& heard() noexcept { return heard_; }
  const diagnosis& heard() const noexcept { return heard_; }
  /// What librdkafka logs or reports; secrets that may be in there are masked.
  void note_log(int level, std::string_view facility, std::string_view who, std::string_view text);
  void note_error(std::string_view text);
  /// A broker whose certificate OpenSSL does not accept.
  void note_certificate(std::string_view broker, int reason);
  /// From now on troubles with brokers are news; before, open() says what they were.
  void established() noexcept { is_established_ = true; }

private:
  friend class client;

  using running = std::unique_ptr<rd_kafka_t, client::stopper>;

  result<void> read_properties();
  result<conf_handle> configure(const client_spec& spec);
  result<void> set_all(rd_kafka_conf_t* conf, const property_map& properties) const;
  result<void> set_secrets(rd_kafka_conf_t* conf) const;
  void warn_of_ignored(const client_spec& spec, std::initializer_list<const property_map*> of_user);
  void listen(rd_kafka_conf_t* conf, client* opaque) const;
  result<running> start(client_role role, conf_handle conf) const;
  bool can_start_anew();
  void give_password(rd_kafka_t* to) const;
  void give_token(rd_kafka_t* to) const;
  std::string masked(std::string_view text) const;
  void note(finding found);
  bool is_news(const std::string& trouble);
  void warn_once(const std::string& text);
  error located(error e) const;

  const options wanted_;
  const clock& time_;
  const std::shared_ptr<call_limits> limits_ = std::make_shared<call_limits>();
  std::string where_;
  diagnosis heard_;
  std::atomic<bool> is_established_ = false;
  std::mutex told_mutex_;  ///< guards the next
  std::map<std::string, std::chrono::nanoseconds>
      told_;  ///< troubles, and when they were logged last
  /// By role: the properties of the session for it, translated.
  std::array<property_map, 3> properties_;

  mutable std::mutex secrets_mutex_;  ///< guards the next two
  credentials credentials_;
  std::vector<std::string> secrets_;  ///< never to be printed

  std::atomic<std::uint64_t> generation_ = 0;
  bool has_news_of_certificates_ = false;  ///< not usable yet
  std::mutex clients_mutex_;  ///< guards the next two; held while a client is told something, so
                              ///< that it stays
  std::set<client*> clients_;
  std::set<std::string> warned_;
};

}  // namespace cloudflow::pubsub::kafka
