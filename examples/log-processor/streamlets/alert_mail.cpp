#include "streamlets/alert_mail.hpp"

#include "cloudflow/flow/boundary.hpp"

#include <array>
#include <stdexcept>

namespace logproc {

namespace connect = cloudflow::connect;

namespace {

/// What may stand in braces, in the order of `values_of`: the fields of LogStats.
constexpr std::array<std::string_view, 6> fields{"app",     "windowstart", "windowend",
                                                 "numLogs", "numErrors",   "flagErrors"};

std::array<connect::template_value, 6> values_of(const data::log_stats::view& s) {
  return {s.app, s.windowstart, s.windowend, s.num_logs, s.num_errors, s.flag_errors};
}

template <class T>
T valid(const char* parameter, cloudflow::result<T> r) {
  if (!r) throw std::invalid_argument(std::string{parameter} + ": " + r.error().message);
  return std::move(r).value();
}

}  // namespace

struct alert_mail::settings {
  connect::mail_address sender;
  std::vector<connect::mail_address> receivers;
  connect::text_template subject, body;
  std::string outbox;
};

alert_mail::alert_mail(const std::string& sender, const std::string& receivers,
                       const std::string& subject, const std::string& body, std::string outbox)
  : settings_(std::make_shared<const settings>(settings{
        valid("mail-from", connect::mail_address::parse(sender)),
        valid("mail-to", connect::mail_address::parse_list(receivers)),
        valid("mail-subject", connect::text_template::parse(subject, fields)),
        valid("mail-body", connect::text_template::parse(body, fields)), std::move(outbox)})) {}

std::string alert_mail::key_of(const data::log_stats::view& s) {
  return std::string{s.app} + "." + std::to_string(s.windowstart.time_since_epoch().count());
}

void alert_mail::send(const data::log_stats::view& s) const {
  const auto outbox = connect::mail_outbox::open(settings_->outbox);
  if (!outbox) throw cloudflow::try_again("the outbox cannot be opened: " + outbox.error().message);
  const auto values = values_of(s);
  const auto put = outbox->put({.from = settings_->sender,
                                .to = settings_->receivers,
                                .subject = settings_->subject.render(values),
                                .body = settings_->body.render(values),
                                .date = s.windowend,
                                .idempotency_key = key_of(s)});
  if (!put) throw cloudflow::try_again("the mail cannot be written: " + put.error().message);
}

}  // namespace logproc
