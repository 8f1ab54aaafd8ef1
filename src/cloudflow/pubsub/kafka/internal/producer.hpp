#pragma once

#include "cloudflow/pubsub/backend.hpp"
#include "cloudflow/pubsub/kafka/internal/bounded_calls.hpp"
#include "cloudflow/pubsub/kafka/internal/changelog.hpp"
#include "cloudflow/pubsub/kafka/internal/destinations.hpp"
#include "cloudflow/pubsub/kafka/internal/groups.hpp"
#include "cloudflow/pubsub/kafka/internal/positions.hpp"
#include "cloudflow/pubsub/kafka/internal/sender.hpp"

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace cloudflow::pubsub::kafka {

/// Commits by Kafka's transactions, or in the order that at-least-once needs.
///
/// exactly_once: records, changelog and positions in one transaction; the local state changes when
/// it has committed. Whatever goes wrong before its last request, the transaction is aborted before
/// commit() answers, or, when no coordinator can be reached, before the next one begins. Whatever
/// the last request fails for is `outcome_unknown`, and ends the producer.
///
/// at_least_once: positions are committed when all records have been acknowledged. A broker that is
/// away is waited for.
///
/// librdkafka may fail to answer, whatever its time limits say (2.14 and earlier wait for ever for
/// a coordinator that has left the cluster). Then the producer is given up: the call is abandoned
/// with its thread and its client, and the commit ends with `session_lost` where nothing can have
/// been committed, with `outcome_unknown` otherwise. A producer of the same id fences what was left
/// open. Beyond call_limits::most_abandoned it is `must_restart`.
///
/// Concurrency: one caller at a time. What begin() starts runs on a thread of its own,
/// which ends with the producer; ending stops a commit that waits, within seconds.
class group_producer final : public producer {
public:
  /// What several producers of a session share; all of it outlives them.
  struct dependencies {
    std::shared_ptr<connection> session;
    const admin& cluster;
    destinations& topics;
    const groups& members;
    changelog& state;
  };

  /// Fences the former owner of the id, and ends what it has left open; 30 s at most.
  static result<std::unique_ptr<producer>> open(const dependencies& around,
                                                const producer_options& wanted);
  ~group_producer() override;

  result<void> commit(const transaction& changes) override;
  void begin(const transaction& changes) override;
  std::optional<result<void>> outcome() override;
  std::string trouble() const override;

private:
  struct plan;
  using milliseconds = std::chrono::milliseconds;

  group_producer(const dependencies& around, const producer_options& wanted);
  /// With a client of its own; another one when certificates have changed.
  result<void> start();
  bool is_transactional() const noexcept { return wanted_.delivery == guarantee::exactly_once; }

  result<void> try_to_commit(const transaction& changes);
  result<plan> prepare(const transaction& changes);
  result<void> deliver(plan& changes);
  result<void> send(plan& changes);
  result<void> send_positions(plan& changes);
  result<void> send_in_transaction(group_positions& what);
  result<void> finish();
  result<void> abort();
  pubsub::error abort_after(pubsub::error why);
  template <class Request>
  std::optional<error_handle> ask(milliseconds limit, Request request);
  result<void> done(std::string_view doing, std::optional<error_handle> answer) const;
  pubsub::error fail(std::string_view doing, const failure& what) const;
  pubsub::error give_up(std::string_view doing) const;
  void note(const result<void>& ended);
  void work(const std::stop_token& stop);

  const dependencies dependencies_;
  const producer_options wanted_;
  std::stop_source stop_;
  std::shared_ptr<sender> sender_;      ///< and of the calls that are under way
  std::unique_ptr<call_thread> calls_;  ///< of this sender
  bool is_started_ = false;
  bool must_abort_ = false;  ///< a transaction that could not be aborted yet

  mutable std::mutex trouble_mutex_;  ///< guards the next two
  std::string trouble_;               ///< the first since the last commit that was successful
  std::optional<std::chrono::nanoseconds> began_;  ///< a commit that has not ended

  std::mutex mutex_;  ///< guards the next two
  std::condition_variable_any changed_;
  const transaction* begun_ = nullptr;
  std::optional<result<void>> outcome_;
  std::jthread thread_;  ///< from the first begin() on; last: uses all of the above
};

}  // namespace cloudflow::pubsub::kafka
