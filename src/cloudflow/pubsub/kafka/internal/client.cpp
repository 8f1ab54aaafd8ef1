#include "cloudflow/pubsub/kafka/internal/client.hpp"

#include "cloudflow/pubsub/kafka/internal/bounded_calls.hpp"
#include "cloudflow/pubsub/kafka/internal/connection.hpp"

#include <array>
#include <chrono>
#include <utility>

namespace cloudflow::pubsub::kafka {

namespace {

/// Failures behind which a broker is that cannot be reached or refuses: librdkafka says elsewhere
/// why.
bool is_of_connections(rd_kafka_resp_err_t code) noexcept {
  return code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__TIMED_OUT ||
         code == RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE || code == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT ||
         code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || code == RD_KAFKA_RESP_ERR__RESOLVE ||
         code == RD_KAFKA_RESP_ERR__AUTHENTICATION || code == RD_KAFKA_RESP_ERR__SSL;
}

}  // namespace

void client::stopper::operator()(rd_kafka_t* rk) const noexcept {
  rd_kafka_destroy_flags(rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

client::client(connection& session, std::string name, void* owner,
               std::function<void()> on_outdated)
  : session_(session),
    name_(std::move(name)),
    owner_(owner),
    on_outdated_(std::move(on_outdated)) {}

client::~client() { hang(); }

void client::hang() const {
  is_silent_.store(true, std::memory_order_relaxed);
  const std::lock_guard lock{session_.clients_mutex_};
  session_.clients_.erase(const_cast<client*>(this));
}

bool client::is_outdated() const noexcept { return generation_ != session_.generation(); }

void client::connect() const {
  constexpr int patience_ms = 1000;
  const queue_handle answers{rd_kafka_queue_new(get())};
  const admin_options_handle how{
      rd_kafka_AdminOptions_new(get(), RD_KAFKA_ADMIN_OP_DESCRIBECLUSTER)};
  rd_kafka_DescribeCluster(get(), how.get(), answers.get());
  const event_handle answer{rd_kafka_queue_poll(answers.get(), patience_ms)};
}

void client::heard(rd_kafka_event_t* event) {
  const char *facility = nullptr, *text = nullptr;
  int level = 0;
  switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_ERROR: session_.note_error(rd_kafka_event_error_string(event)); return;
    case RD_KAFKA_EVENT_LOG:
      if (rd_kafka_event_log(event, &facility, &text, &level) == 0)
        session_.note_log(level, facility, name_, text);
      return;
    default: return;  // whoever serves the queue knows better
  }
}

void client_ender::operator()(client* ended) const noexcept {
  ended->hang();
  call_thread ending{"kafka end", session->limits()};
  const auto began = session->time().monotonic();
  // The client first, then what it needs.
  const auto has_ended = ending.run(
      [kept = session, owned = std::unique_ptr<client>{ended}]() mutable {
        owned.reset();
        return true;
      },
      session->limits()->patience_at_end());
  session->limits()->note_waited_at_end(
      std::chrono::duration_cast<std::chrono::milliseconds>(session->time().monotonic() - began));
  if (!has_ended)
    session->log().warn(
        "{}: a client of librdkafka does not end and is left behind; {} of its calls are by now",
        session->where(), session->limits()->abandoned());
}

std::optional<failure> client::fatal_failure() const {
  std::array<char, 512> text{};
  const auto code = rd_kafka_fatal_error(get(), text.data(), text.size());
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  return failure{.code = code, .text = text.data(), .is_fatal = true};
}

pubsub::error client::fail(std::string_view doing, const failure& what) const {
  // What comes of a fatal error ("purged in queue", "erroneous state") says nothing.
  if (const auto first = fatal_failure(); first && !what.is_fatal && what.code != first->code)
    return error_of(session_.where(), doing, *first);
  if (const auto told = session_.heard().told(); told && is_of_connections(what.code))
    return {what.is_fatal ? end_of_session(told->code) : told->code,
            session_.where() + ": " + std::string{doing} + ": " + told->message};
  return error_of(session_.where(), doing, what);
}

}  // namespace cloudflow::pubsub::kafka
