#pragma once

#include "cloudflow/connect/mail/message.hpp"
#include "cloudflow/connect/mail/outbox.hpp"
#include "cloudflow/connect/mail/template.hpp"
#include "log_schemas/log_stats.hpp"

#include <memory>
#include <string>
#include <vector>

namespace logproc {

/// Writes the mail about a flagged window. Immutable, cheap to copy.
class alert_mail {
public:
  /// Throws std::invalid_argument when an address or a template is wrong. The outbox is made with
  /// the first mail.
  alert_mail(const std::string& sender, const std::string& receivers, const std::string& subject,
             const std::string& body, std::string outbox);

  /// Application and window: what makes it this mail and no other.
  static std::string key_of(const data::log_stats::view& s);
  /// The mail is on disk when it returns; the same window again gives the same file. Throws
  /// std::runtime_error when the disk does not take it: the streamlet starts again from its last
  /// commit and comes back to it.
  void send(const data::log_stats::view& s) const;

private:
  struct settings;
  std::shared_ptr<const settings> settings_;
};

}  // namespace logproc
