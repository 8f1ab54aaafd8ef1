/// The typed HTTP ingress: `http::receive<T>(ctx, server)` is a stream of T.
#pragma once

#include "cloudflow/connect/http/record_ingress.hpp"
#include "cloudflow/streamlet/streamlet.hpp"

#include <stdexcept>

namespace cloudflow::http {

namespace detail {

template <class T>
class receiver final : public source<T> {
public:
  explicit receiver(const streamlet_config& where) : where_(&where) {}

  void open(std::function<void()> wake) override {
    auto opened = connect::record_ingress::open(
        {.address = where_->server.address, .port = where_->server.port}, codec<T>::schema_text,
        where_->log, std::move(wake));
    if (!opened) throw try_again(opened.error().message);
    ingress_ = std::move(opened).value();
    if (where_->on_listening) where_->on_listening(ingress_->url());
  }
  flow::source_status poll(emitter<T>& emit) override {
    auto requests = ingress_->take();
    for (auto& r : requests) emit_request(std::move(r), emit);
    return requests.empty() ? flow::source_status::listening : flow::source_status::produced;
  }

private:
  /// The request is answered when its last record is durable: all of them are in one commit.
  static void emit_request(connect::record_ingress::request r, emitter<T>& emit) {
    auto pending = std::make_shared<connect::record_ingress::request>(std::move(r));
    for (const auto& bytes : pending->records) {
      view_of<T> v{};
      if (!codec<T>::decode(bytes, v))
        throw std::logic_error("JSON was encoded into what is no record of its schema");
      emit(codec<T>::own(v));
    }
    emit.acknowledge({.when_durable = [pending] { pending->accept(); },
                      .when_refused = [pending](const refusal& why) { refuse(*pending, why); },
                      .when_unknown = [pending] { pending->hang_up(); }});
  }

  static void refuse(connect::record_ingress::request& r, const refusal& why) {
    if (why.cause == flow::failure_cause::record_too_large)
      r.refuse_as_too_large(why.reason);
    else
      r.refuse(why.reason);
  }

  const streamlet_config* where_;
  std::unique_ptr<connect::record_ingress> ingress_;
};

}  // namespace detail

/// The records that clients POST as JSON to the streamlet's server; see connect::record_ingress for
/// the answers.
template <class T>
auto receive(const context& ctx, const server_port& server) {
  static_assert(encodable<T>, "receive<T>() needs a record type that comes from a schema");
  (void)ctx[server];  // it is a member of the streamlet that uses it
  return from(std::shared_ptr<source<T>>{std::make_shared<detail::receiver<T>>(ctx.where())});
}

}  // namespace cloudflow::http
