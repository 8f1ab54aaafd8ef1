#include "cloudflow/connect/http/record_ingress.hpp"

#include "cloudflow/connect/http/json_bodies.hpp"
#include "cloudflow/schema/avro_json.hpp"

#include <fmt/format.h>

#include <mutex>

namespace cloudflow::connect {

/// Turns requests into records on the server's thread and keeps them until the pipeline takes them.
class record_ingress::handler final : public http_handler {
public:
  handler(schema::avro_schema schema, std::size_t max_waiting, std::function<void()> wake)
    : schema_(std::move(schema)), max_waiting_(max_waiting), wake_(std::move(wake)) {}

  void handle(http_request r, http_responder responder) override {
    auto records = convert(r.body);
    if (!records) return responder.answer(text_response(400, records.error().message));
    {
      const std::lock_guard lock{mutex_};
      if (waiting_.size() < max_waiting_) {
        responder.may_be_stored_when([number = ++last_, this] { return !withdraw(number); });
        waiting_.push_back({last_, {std::move(records).value(), std::move(responder)}});
      } else {
        return responder.answer(overloaded_response("too many requests wait to become durable"));
      }
    }
    wake_();
  }
  std::vector<request> take() {
    const std::lock_guard lock{mutex_};
    std::vector<request> all;
    for (auto& each : waiting_) all.push_back(std::move(each.what));
    waiting_.clear();
    return all;
  }

private:
  struct numbered {
    std::uint64_t number;
    request what;
  };
  /// False: it has been taken.
  bool withdraw(std::uint64_t number) {
    const std::lock_guard lock{mutex_};
    return std::erase_if(waiting_, [number](const auto& r) { return r.number == number; }) != 0;
  }
  result<std::vector<std::string>> convert(std::string_view body) const {
    const auto documents = split_json_body(body);
    if (!documents) return error{documents.error().message};
    std::vector<std::string> records;
    for (const auto& document : *documents) {
      byte_writer out;
      if (const auto done =
              schema::json_to_avro(schema_, document.text, out, {.check_uuids = true});
          !done) {
        const auto at = position_of(body, document.offset);
        return error{fmt::format("record {}, which begins at line {}, column {}: {}",
                                 document.index + 1, at.line, at.column, done.error().message)};
      }
      records.emplace_back(out.view());
    }
    return records;
  }

  schema::avro_schema schema_;
  std::size_t max_waiting_;
  std::function<void()> wake_;
  std::mutex mutex_;  // guards waiting_
  std::vector<numbered> waiting_;
  std::uint64_t last_ = 0;
};

void record_ingress::request::accept() noexcept {
  responder.answer(text_response(202, fmt::format("{} accepted", records.size())));
}

void record_ingress::request::refuse(std::string_view reason) noexcept {
  responder.answer(
      text_response(422, fmt::format("none of {} accepted: {}", records.size(), reason)));
}

void record_ingress::request::refuse_as_too_large(std::string_view reason) noexcept {
  responder.answer(
      text_response(413, fmt::format("none of {} accepted: {}", records.size(), reason)));
}

void record_ingress::request::hang_up() noexcept { responder.hang_up(); }

record_ingress::record_ingress(std::string address, std::shared_ptr<handler> h,
                               std::unique_ptr<http_server> server)
  : address_(std::move(address)), handler_(std::move(h)), server_(std::move(server)) {
  server_->start();
}

record_ingress::~record_ingress() {
  handler_->take();  // dropped: their responders answer 503
  server_->stop(std::chrono::milliseconds{500});
}

result<std::unique_ptr<record_ingress>> record_ingress::open(const record_ingress_options& options,
                                                             std::string_view schema_text,
                                                             const logger& log,
                                                             std::function<void()> wake) {
  auto schema = CLOUDFLOW_TRY(schema::parse_avro(schema_text, "the outlet's schema"));
  auto h = std::make_shared<handler>(std::move(schema), options.max_waiting, std::move(wake));
  http_server_options how;
  how.address = options.address;
  how.port = options.port;
  how.body_limit = options.body_limit;
  how.answer_timeout = options.answer_timeout;
  auto server = CLOUDFLOW_TRY(http_server::open(how, {{"POST", "/", h}}, log));
  return std::unique_ptr<record_ingress>{
      new record_ingress(options.address, std::move(h), std::move(server))};
}

std::string record_ingress::url() const {
  return fmt::format("http://{}:{}", address_, server_->port());
}

std::vector<record_ingress::request> record_ingress::take() { return handler_->take(); }

}  // namespace cloudflow::connect
