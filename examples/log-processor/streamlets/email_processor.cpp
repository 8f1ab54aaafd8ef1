#include "cloudflow/streamlet/streamlet.hpp"
#include "log_schemas/log_stats.hpp"
#include "streamlets/alert_mail.hpp"

namespace logproc {

using data::log_stats;

/// One mail for each flagged window, when it is first flagged.
struct email_processor {
  cloudflow::inlet<log_stats> in{"log-stat", cloudflow::keyed_by(&log_stats::app)};
  cloudflow::state<cloudflow::timestamp> sent{"sent"};

  cloudflow::parameter<std::string> sender{"mail-from", "Who the mails come from.",
                                           "cloudflow@localhost"};
  cloudflow::parameter<std::string> receivers{"mail-to", "Who gets the mails, separated by commas.",
                                              "owner@localhost"};
  cloudflow::parameter<std::string> subject{
      "mail-subject", "A template with the fields of LogStats.", "{app}: {numErrors} problems"};
  cloudflow::parameter<std::string> body{"mail-body", "A template with the fields of LogStats.",
                                         "{app} logged {numErrors} problems in {numLogs} messages "
                                         "between {windowstart} and {windowend}.\n"};
  cloudflow::parameter<std::string> outbox{"mail-outbox", "The directory of the mails.", "outbox"};

  auto logic(const cloudflow::context& ctx) const {
    const alert_mail mail{ctx[sender], ctx[receivers], ctx[subject], ctx[body], ctx[outbox]};
    return from(in)
        .filter(&log_stats::flag_errors)
        .key_by([](const log_stats::view& s) { return alert_mail::key_of(s); })
        .distinct(sent)
        .for_each([mail](const log_stats::view& s) { mail.send(s); });
  }
};

}  // namespace logproc

template const cloudflow::streamlet_definition&
cloudflow::definition_of<logproc::email_processor>();
